create table stations (
  station text primary key,
  name    text not null
);
