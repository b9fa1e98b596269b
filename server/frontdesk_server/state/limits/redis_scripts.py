"""The two scripts that Redis runs. What one call of a script does happens at once, or not at all, for everybody."""

from __future__ import annotations

APPLY = """
local MOST = 9007199254740991
local last = redis.call('GET', KEYS[1])
if last then
  local newest, number, told = string.match(last, '^(%d+)|(%d*)|(.*)$')
  if number == ARGV[2] then return told end
  if tonumber(newest) > tonumber(ARGV[2]) then return redis.error_reply('STALE batch') end
end
local me, lease_ms, processes = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local counters = (#KEYS - 1) / 2
local used, mine, others, limits, least, granted = {}, {}, {}, {}, {}, {}
for i = 1, counters do
  used[i], mine[i], others[i] = tonumber(redis.call('GET', KEYS[1 + i]) or 0), 0, 0
  granted[i] = 0
  if lease_ms > 0 then
    local aside = KEYS[1 + counters + i]
    local found = redis.call('HGETALL', aside)
    for f = 1, #found, 2 do
      local amount, ends = string.match(found[f + 1], '^(%d+):(%d+)$')
      if found[f] == me then mine[i] = tonumber(amount)
      elseif tonumber(ends) > now then others[i] = others[i] + amount
      else
        used[i] = used[i] - amount
        redis.call('HDEL', aside, found[f])
      end
    end
    used[i] = math.max(others[i], used[i] - mine[i])
  end
end
local told, at = {}, 5 + 2 * counters
while at <= #ARGV do
  local size, refused = tonumber(ARGV[at]), 0
  local function field(hold, which) return tonumber(ARGV[at + 4 * hold - 4 + which]) end
  for hold = 1, size do
    local i, amount, limit = field(hold, 1), field(hold, 2), field(hold, 3)
    if limit >= 0 then
      limits[i], least[i] = limit, field(hold, 4)
      if refused == 0 and used[i] + amount > limit then refused = hold end
    end
  end
  if refused == 0 then
    for hold = 1, size do
      local i, amount = field(hold, 1), field(hold, 2)
      if field(hold, 3) >= 0 then granted[i] = granted[i] + amount end
      if field(hold, 3) == -2 then mine[i] = math.max(0, mine[i] - math.max(0, amount)) end
      used[i] = math.min(MOST, math.max(others[i], used[i] + amount))
    end
  end
  told[#told + 1] = refused
  at = at + 1 + 4 * size
end
for i = 1, counters do
  local ends, aims = ARGV[3 + 2 * i], mine[i]
  if lease_ms > 0 then
    local aside = KEYS[1 + counters + i]
    if limits[i] then
      aims = math.floor(math.min(MOST, math.max(0, limits[i] - used[i])) / (2 * processes))
      if aims < least[i] then aims = 0 end
      mine[i] = math.max(aims, tonumber(ARGV[4 + 2 * i]) - granted[i])
    end
    if mine[i] > 0 then
      redis.call('HSET', aside, me, string.format('%.0f:%.0f', mine[i], now + lease_ms))
      redis.call('PEXPIREAT', aside, ends)
    else redis.call('HDEL', aside, me) end
    told[#told + 1] = string.format('%.0f', aims)
  end
  redis.call('SET', KEYS[1 + i], string.format('%.0f', math.min(MOST, used[i] + mine[i])), 'PXAT', ends)
end
told = table.concat(told, ',')
redis.call('SET', KEYS[1], ARGV[2] .. '|' .. ARGV[2] .. '|' .. told, 'PX', 3600000)
return told
"""
"""Applies a batch of jobs in their order, each wholly or not at all, and once, however often the batch is sent.

KEYS: what keeps the process's last batch; the counters, all different; for each of them what is set aside of it.
ARGV: the process; the batch's number, which grows; how long an aside is lent in milliseconds, 0 for no asides; how many
processes there are; of each counter its end in Unix milliseconds, and what the process takes to be set aside for it.
Then the jobs: how many fields of four follow, and
these: which counter, the amount, the limit, the least amount that is worth setting aside. The limit is -1 for an amount
that is added whatever the limit, -2 for one that was used without asking, which the aside pays as far as it goes.

Returns, joined by commas, for each job 0 or the number of the hold without room, then what the process is to take to be
set aside for it of each counter. Until its next batch tells that it has heard, it counts as having no less than it took
to be, short of what it was granted: should the answer be lost, it may use the one and not the other.

A counter holds what is used and all that is set aside. After each reservation a process has as much aside as is half
its share of what is left, or nothing once that is less than one such reservation: so what others have aside keeps no
call out that would have found room, as long as it was set aside lately. Amounts stay exact: a month's nano-USD fit into
the 53 bits of Lua's numbers, and counters stop at `MOST`.
"""

GREET = """
local last = string.match(redis.call('GET', KEYS[1]) or '0||', '^%d+|(%d*|.*)$')
redis.call('SET', KEYS[1], ARGV[2] .. '|' .. last, 'PX', 3600000)
local clock = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', clock[1])
redis.call('ZADD', KEYS[2], clock[1] + ARGV[3], ARGV[1])
return {last, redis.call('ZCARD', KEYS[2])}
"""
"""Tells that a process is there, and what became of its last batch; an earlier batch that arrives later is refused.

KEYS: what keeps the process's last batch; the processes. ARGV: the process; the greeting's number, in the same order as
batches; for how many seconds it counts as there. Returns the number and the answers of the last batch that was applied,
`number|answers`, both empty when none is known, and how many processes there are.
"""
