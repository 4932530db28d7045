-- A day of calls for the measures, evenly over it, by two hundred customers to two hundred destinations through four
-- carriers. What looks like chance is arithmetic on large primes, so that every load is the same.
INSERT INTO cdrs (started_at, id, reference, uniqueid, sip_call_id, caller, called, destination, customer, carrier, prefix,
  rate_micros, pbx, proxy, ringing_at, answered_at, ended_at, billsec, disposition, outcome, hangup_cause, sip_status, refusal)
SELECT started_at, n, CONCAT(HEX(n * 2654435761 MOD 4294967291), '@', {day_number}, '.customer'), CONCAT('asterisk-01-', n), NULL,
  CONCAT('4930', 10000000 + a MOD 20000000), CONCAT(ELT(1 + b MOD 6, '4420', '1212', '4989', '331', '8190', '5511'), 1000000 + c MOD 9000000),
  CONCAT('destination-', b MOD 200), CONCAT('customer-', a MOD 200),
  IF(answered, CONCAT('carrier-', c MOD 4), NULL), IF(answered, '4420', NULL), IF(answered, 4200, NULL),
  CONCAT('asterisk-0', 1 + n MOD 3), CONCAT('kamailio-0', 1 + n MOD 2), started_at + INTERVAL (300 + b MOD 2000) * 1000 MICROSECOND,
  IF(answered, started_at + INTERVAL 4 SECOND, NULL), started_at + INTERVAL (4 + IF(answered, c MOD 300, 0)) SECOND,
  IF(answered, c MOD 300, 0), IF(answered, 'ANSWERED', 'BUSY'), IF(answered, 'answered', 'busy'), IF(answered, 16, 17),
  IF(answered, 200, 486), NULL
FROM (SELECT seq AS n, TIMESTAMP'{day} 00:00:00' + INTERVAL seq * 86400000000 DIV ({rows} + 1) MICROSECOND AS started_at,
  seq * 7919 MOD 15485863 AS a, seq * 104729 MOD 32452843 AS b, seq * 1299709 MOD 49979687 AS c, seq MOD 2 = 0 AS answered
  FROM seq_1_to_{rows}) AS made
