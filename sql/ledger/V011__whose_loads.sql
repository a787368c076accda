-- Everybody who loads may write to these tables. What he may write is about tables into which he may bring rows anyhow:
-- a row about another one's load would have its file left out, or loaded twice. Who may empty the ledger may do anything
-- to it: its owner, and superusers; of them nothing is asked. What sees to that is in guards.sql.

-- A load is of the one table that has its oid, in the database of origin. Another table may get that table's name: each
-- new load asks whether there are loads of its table's name that are of another place, which are few.
create index loads_place_idx on pgsluice.loads (target, ledger_oid, origin, target_oid) where state <> 'void';
drop index if exists pgsluice.loads_target_idx;

comment on column pgsluice.loads.target is 'Schema and name of its table: when the load began, or when another table was seen to have got its name.';
