create table readings (
  station text        not null references stations,
  at      timestamptz not null,
  celsius numeric     not null
);

insert into stations values ('B1', 'Berlin'), ('N1', 'Narvik');
