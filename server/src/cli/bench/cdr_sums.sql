-- The sums by hour of one day of made calls in one cut, as collecting them would have left them; but calls at once, which no
-- measure here reads.
INSERT INTO volume_hours (cut, hour, name, attempts, answered, busy, talk_us, pdd_sum_ms,
  pdd_0, pdd_1, pdd_2, pdd_3, pdd_4, pdd_5, pdd_6, pdd_7, pdd_8, pdd_9, pdd_10, pdd_11, pdd_12, pdd_13, pdd_14, pdd_15)
SELECT {cut}, hour, name, COUNT(*), SUM(answered), COUNT(*) - SUM(answered), SUM(billsec) * 1000000, SUM(pdd),
  SUM(pdd <= 50), SUM(pdd > 50 AND pdd <= 100), SUM(pdd > 100 AND pdd <= 200), SUM(pdd > 200 AND pdd <= 300), SUM(pdd > 300
  AND pdd <= 500), SUM(pdd > 500 AND pdd <= 750), SUM(pdd > 750 AND pdd <= 1000), SUM(pdd > 1000 AND pdd <= 1500), SUM(pdd >
  1500 AND pdd <= 2000), SUM(pdd > 2000 AND pdd <= 3000), SUM(pdd > 3000 AND pdd <= 4000), SUM(pdd > 4000 AND pdd <= 6000),
  SUM(pdd > 6000 AND pdd <= 8000), SUM(pdd > 8000 AND pdd <= 12000), SUM(pdd > 12000 AND pdd <= 20000), SUM(pdd > 20000)
FROM (SELECT '{day}' + INTERVAL HOUR(started_at) HOUR AS hour, {name} AS name, outcome = 'answered' AS answered, billsec,
  TIMESTAMPDIFF(MICROSECOND, started_at, ringing_at) DIV 1000 AS pdd
  FROM cdrs WHERE started_at >= '{day}' AND started_at < '{day}' + INTERVAL 1 DAY) AS calls
GROUP BY hour, name
