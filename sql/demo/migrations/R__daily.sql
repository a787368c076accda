create or replace view daily as
  select station, date_trunc('day', at) as day, round(avg(celsius), 1) as celsius from readings group by 1, 2;
