-- What was collected before there were days.
INSERT IGNORE INTO volume_days (cut, day, name,
  attempts, answered, busy, no_answer, rejected, abandoned, failed, refused, talk_us, concurrent, pdd_sum_ms, pdd_0, pdd_1,
  pdd_2, pdd_3, pdd_4, pdd_5, pdd_6, pdd_7, pdd_8, pdd_9, pdd_10, pdd_11, pdd_12, pdd_13, pdd_14, pdd_15)
SELECT cut, DATE(hour), name,
  SUM(attempts), SUM(answered), SUM(busy), SUM(no_answer), SUM(rejected), SUM(abandoned), SUM(failed), SUM(refused),
  SUM(talk_us), MAX(concurrent), SUM(pdd_sum_ms), SUM(pdd_0), SUM(pdd_1), SUM(pdd_2), SUM(pdd_3), SUM(pdd_4), SUM(pdd_5),
  SUM(pdd_6), SUM(pdd_7), SUM(pdd_8), SUM(pdd_9), SUM(pdd_10), SUM(pdd_11), SUM(pdd_12), SUM(pdd_13), SUM(pdd_14), SUM(pdd_15)
FROM volume_hours
GROUP BY cut, DATE(hour), name;
