-- SPDX-License-Identifier: BSD-2-Clause
--
-- SSP, the state synchronization protocol of the reference pair, for Wireshark and tshark 4: written from
-- docs/spec/ssp.md alone, and not from the code.
--
--	tshark -X lua_script:docs/wireshark/ssp.lua -d tcp.port==3249,tls -r trace.pcapng -Y bssp
--
-- It needs the TLS secrets: they are in the traces of a run, or in the file tls_keylog beside them. What is not as the
-- specification says is a protocol error in the expert information (bssp.malformed), and nothing else is.

local ssp = Proto("bssp", "Baton State Synchronization Protocol")
local PORT, HEADER, BODY_MAX = 3249, 16, 4096

local M = { -- section 2: message types, and the TLVs of each; "?" may be absent, "*" is there twice
	[1] = { "HELLO", "GROUP ROLE INSTANCE KEEPALIVE LEASE CLIENT*" },
	[2] = { "ROLE", "ROLE" },
	[3] = { "BULK_BEGIN", "COUNT" },
	[4] = { "BULK_END", "COUNT" },
	[5] = { "IKE_SA", "COOKIES SIDE LOCAL REMOTE PHASE1 SKEYID_D SKEYID_A SKEYID_E CIPHER_KEY LAST_BLOCK PEER_ID NATT DPD "
		.. "LIFE MSGIDS CONFIRMED" },
	[6] = { "IKE_SA_DEL", "COOKIES" },
	[7] = { "IPSEC_SA", "COOKIES SPIS SIDE LOCAL REMOTE TRANSFORM ENC_IN AUTH_IN ENC_OUT AUTH_OUT PROXY_LOCAL PROXY_REMOTE "
		.. "MAP NATT LIFE LIMITS RESERVE WINDOW VOLUME" },
	[8] = { "IPSEC_SA_DEL", "SPIS" },
	[9] = { "RESERVE", "SPIS RESERVE" },
	[10] = { "REPLAY", "SPIS WINDOW" },
	[11] = { "VOLUME", "SPIS VOLUME" },
	[12] = { "DPD", "COOKIES DPD" },
	[13] = { "ACK", "ACKED TIME ECHO" },
	[14] = { "KEEPALIVE", "TIME ECHO" },
	[15] = { "RESYNC", "REASON" },
	[16] = { "REFUSE", "ACKED REASON" },
	[17] = { "HIGHEST", "SPIS RESERVE" },
	[18] = { "ERROR", "REASON ACKED" },
}
local T = { -- TLV number: name, and its parts: size in octets (0: the rest) and the field's name
	[1] = { "GROUP", { 2, "group" } },
	[2] = { "ROLE", { 1, "role" } },
	[3] = { "INSTANCE", { 8, "instance" } },
	[4] = { "KEEPALIVE", { 4, "keepalive" } },
	[5] = { "LEASE", { 4, "lease" } },
	[6] = { "CLIENT", { 4, "client.doi" }, { 2, "client.version" } },
	[7] = { "COUNT", { 4, "count" } },
	[8] = { "COOKIES", { 8, "cookie.initiator" }, { 8, "cookie.responder" } },
	[9] = { "SIDE", { 1, "side" } },
	[10] = { "LOCAL", { 4, "local.address" }, { 2, "local.port" } },
	[11] = { "REMOTE", { 4, "remote.address" }, { 2, "remote.port" } },
	[12] = { "PHASE1", { 2, "phase1.cipher" }, { 2, "phase1.key_bits" }, { 2, "phase1.hash" }, { 2, "phase1.group" } },
	[13] = { "SKEYID_D", { 0, "skeyid_d" } },
	[14] = { "SKEYID_A", { 0, "skeyid_a" } },
	[15] = { "SKEYID_E", { 0, "skeyid_e" } },
	[16] = { "CIPHER_KEY", { 0, "cipher_key" } },
	[17] = { "LAST_BLOCK", { 0, "last_block" } },
	[18] = { "PEER_ID", { 1, "peer_id.type" }, { 0, "peer_id.data" } },
	[19] = { "NATT", { 1, "natt" } },
	[20] = { "DPD", { 1, "dpd.flags" }, { 4, "dpd.sent" }, { 4, "dpd.received" } },
	[21] = { "LIFE", { 4, "life" } },
	[22] = { "MSGIDS", { 0, "msgids" } },
	[23] = { "CONFIRMED", { 1, "confirmed" } },
	[24] = { "SPIS", { 4, "peer" }, { 4, "spi.in" }, { 4, "spi.out" } },
	[25] = { "TRANSFORM", { 2, "transform" }, { 2, "pfs_group" } },
	[26] = { "ENC_IN", { 0, "enc_in" } },
	[27] = { "AUTH_IN", { 0, "auth_in" } },
	[28] = { "ENC_OUT", { 0, "enc_out" } },
	[29] = { "AUTH_OUT", { 0, "auth_out" } },
	[30] = { "PROXY_LOCAL", { 4, "proxy_local.address" }, { 1, "proxy_local.prefix" }, { 1, "proxy_local.protocol" },
		{ 2, "proxy_local.port" } },
	[31] = { "PROXY_REMOTE", { 4, "proxy_remote.address" }, { 1, "proxy_remote.prefix" }, { 1, "proxy_remote.protocol" },
		{ 2, "proxy_remote.port" } },
	[32] = { "MAP", { 4, "map.sequence" }, { 0, "map.name" } },
	[33] = { "LIMITS", { 4, "limit_kb" } },
	[34] = { "RESERVE", { 1, "reserve.kind" }, { 4, "reserve.number" } },
	[35] = { "WINDOW", { 4, "window.highest" }, { 2, "window.bits" }, { 0, "window.bitmap" } },
	[36] = { "VOLUME", { 8, "volume.in" }, { 8, "volume.out" } },
	[37] = { "ACKED", { 4, "acked" } },
	[38] = { "TIME", { 8, "time" } },
	[39] = { "ECHO", { 8, "echo" } },
	[40] = { "REASON", { 2, "reason" } },
}
local words = {
	role = { [0] = "neither", "active", "standby", "suspended" },
	side = { "initiator", "responder" },
	["client.doi"] = { "IPsec HA Manager", "IKE HA Manager" },
	confirmed = { [0] = "not yet", "yes" },
	["reserve.kind"] = { [0] = "none", "reserved up to", "highest sent" },
	reason = { "gap", "unknown SA", "operator", "I am active", "stale epoch", "malformed", "unsupported version",
		"wrong group", "no room", "unexpected message" },
	transform = { "AES-CBC-128/HMAC-SHA1-96", "AES-CBC-128/HMAC-SHA2-256-128", "AES-GCM-128", "AES-CBC-128/HMAC-MD5-96",
		"AES-CBC-192/HMAC-SHA1-96", "AES-CBC-192/HMAC-SHA2-256-128", "AES-CBC-192/HMAC-MD5-96",
		"AES-CBC-256/HMAC-SHA1-96", "AES-CBC-256/HMAC-SHA2-256-128", "AES-CBC-256/HMAC-MD5-96",
		"3DES-CBC/HMAC-SHA1-96", "3DES-CBC/HMAC-SHA2-256-128", "3DES-CBC/HMAC-MD5-96",
		"NULL/HMAC-SHA1-96", "NULL/HMAC-SHA2-256-128", "NULL/HMAC-MD5-96", "AES-GCM-192", "AES-GCM-256" },
}
local keys = { skeyid_d = 1, skeyid_a = 1, skeyid_e = 1, cipher_key = 1, enc_in = 1, auth_in = 1, enc_out = 1, auth_out = 1 }

local type_names, tlv_names, by_name = {}, {}, {}
for n, m in pairs(M) do type_names[n] = m[1] end
for n, t in pairs(T) do
	tlv_names[n] = t[1]
	by_name[t[1]] = n
end

local F = {
	version = ProtoField.uint8("bssp.version", "Version"),
	type = ProtoField.uint8("bssp.type", "Type", base.DEC, type_names),
	reserved = ProtoField.uint16("bssp.reserved", "Reserved"),
	length = ProtoField.uint32("bssp.length", "Length of the body"),
	number = ProtoField.uint32("bssp.number", "Number"),
	epoch = ProtoField.uint32("bssp.epoch", "Epoch"),
	tlv_type = ProtoField.uint16("bssp.tlv.type", "TLV", base.DEC, tlv_names),
	tlv_length = ProtoField.uint16("bssp.tlv.length", "Length"),
	msgid = ProtoField.uint32("bssp.msgid", "Message id", base.HEX),
}
local function field_for(size, name)
	local abbr = "bssp." .. name
	if name:match("address$") or name == "peer" then return ProtoField.ipv4(abbr, name) end
	if name == "map.name" then return ProtoField.string(abbr, name) end
	if size == 1 then return ProtoField.uint8(abbr, name, base.DEC, words[name]) end
	if size == 2 then return ProtoField.uint16(abbr, name, base.DEC, words[name]) end
	if size == 4 and name:match("^spi") then return ProtoField.uint32(abbr, name, base.HEX) end
	if size == 4 then return ProtoField.uint32(abbr, name, base.DEC, words[name]) end
	if size == 8 and (name:match("^cookie") or name == "instance") then return ProtoField.bytes(abbr, name) end
	if size == 8 then return ProtoField.uint64(abbr, name) end
	return ProtoField.bytes(abbr, name)
end
for _, t in pairs(T) do
	for i = 2, #t do F[t[i][2]] = field_for(t[i][1], t[i][2]) end
end
ssp.fields = F
local malformed = ProtoExpert.new("bssp.malformed", "Not as docs/spec/ssp.md says", expert.group.MALFORMED,
	expert.severity.ERROR)
ssp.experts = { malformed }

-- Octets that the parts need: the least, and whether there may be more.
local function size_of(t)
	local least, more = 0, false
	for i = 2, #t do
		least = least + t[i][1]
		more = more or t[i][1] == 0
	end
	return least, more
end

local function dissect_value(t, tvb, tree)
	local at = 0
	for i = 2, #t do
		local size, name = t[i][1], t[i][2]
		if size == 0 then size = tvb:len() - at end
		if size > 0 and name == "msgids" then
			for id = 0, size - 4, 4 do tree:add(F.msgid, tvb(at + id, 4)) end
		elseif size > 0 and not keys[name] then
			tree:add(F[name], tvb(at, size))
		elseif size > 0 then -- a key: how long, not what
			tree:add(tvb(at, size), name .. ": " .. size .. " octets of key")
		end
		at = at + size
	end
end

-- One TLV at `at` of the body; the offset behind it, or nil.
local function dissect_tlv(tvb, at, tree, seen)
	if tvb:len() - at < 4 then
		tree:add_proto_expert_info(malformed, "half a TLV")
		return nil
	end
	local number, length = tvb(at, 2):uint(), tvb(at + 2, 2):uint()
	if tvb:len() - at - 4 < length then
		tree:add_proto_expert_info(malformed, "a TLV longer than the body")
		return nil
	end
	local sub = tree:add(tvb(at, 4 + length), tlv_names[number] or ("TLV " .. number))
	sub:add(F.tlv_type, tvb(at, 2))
	sub:add(F.tlv_length, tvb(at + 2, 2))
	local t = T[number]
	if t then
		local least, more = size_of(t)
		if length < least or (length > least and not more) or (t[1] == "MSGIDS" and length % 4 ~= 0) then
			sub:add_proto_expert_info(malformed, t[1] .. ": wrong length " .. length)
		elseif length > 0 then
			dissect_value(t, tvb(at + 4, length):tvb(), sub)
		end
	elseif number < 0x8000 then
		sub:add_proto_expert_info(malformed, "unknown TLV " .. number)
	end
	seen[number] = (seen[number] or 0) + 1
	return at + 4 + length
end

-- Each TLV of the message is there as often as it must be, and no other.
local function check_set(message, seen, tree)
	local left = {}
	for number, n in pairs(seen) do left[number] = n end
	for word in message[2]:gmatch("%S+") do
		local name, twice = word:match("^([%w_]+)(%*?)$")
		local number = by_name[name]
		if (seen[number] or 0) ~= (twice == "*" and 2 or 1) then
			tree:add_proto_expert_info(malformed, name .. " is there " .. (seen[number] or 0) .. " times")
		end
		left[number] = nil
	end
	for number in pairs(left) do
		if number < 0x8000 then
			tree:add_proto_expert_info(malformed, (tlv_names[number] or number) .. " does not belong here")
		end
	end
end

local function dissect_message(tvb, pinfo, root)
	local tree = root:add(ssp, tvb())
	local kind, length = tvb(1, 1):uint(), tvb(4, 4):uint()
	tree:add(F.version, tvb(0, 1))
	tree:add(F.type, tvb(1, 1))
	tree:add(F.reserved, tvb(2, 2))
	tree:add(F.length, tvb(4, 4))
	tree:add(F.number, tvb(8, 4))
	tree:add(F.epoch, tvb(12, 4))
	local name = type_names[kind] or ("type " .. kind)
	tree:append_text(", " .. name .. " " .. tvb(8, 4):uint())
	pinfo.cols.info:append((tostring(pinfo.cols.info) ~= "" and ", " or "") .. name)
	if tvb(0, 1):uint() ~= 1 then tree:add_proto_expert_info(malformed, "unknown version") end
	if tvb(2, 2):uint() ~= 0 then tree:add_proto_expert_info(malformed, "reserved octets are not 0") end
	if not M[kind] then
		tree:add_proto_expert_info(malformed, "unknown message type " .. kind)
		return
	end
	local seen, at = {}, HEADER
	while at and at < HEADER + length do at = dissect_tlv(tvb, at, tree, seen) end
	if at then check_set(M[kind], seen, tree) end
end

function ssp.dissector(tvb, pinfo, root)
	local at = 0
	pinfo.cols.protocol = "SSP"
	pinfo.cols.info = ""
	while at < tvb:len() do
		local left = tvb:len() - at
		local need = HEADER
		if left >= HEADER then
			local length = tvb(at + 4, 4):uint()
			if length > BODY_MAX then
				local tree = root:add(ssp, tvb(at))
				tree:add_proto_expert_info(malformed, "a body of " .. length .. " octets")
				return tvb:len()
			end
			need = HEADER + length
		end
		if left < need then -- the rest is in a record to come
			pinfo.desegment_offset = at
			pinfo.desegment_len = left < HEADER and DESEGMENT_ONE_MORE_SEGMENT or need - left
			return tvb:len()
		end
		dissect_message(tvb(at, need):tvb(), pinfo, root)
		at = at + need
	end
	return at
end

DissectorTable.get("tls.port"):add(PORT, ssp)
