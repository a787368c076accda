create or replace view w as select 1 as a;
