-- The tables that script/demo and the README fill.

create table ieee (
  registry     text not null,
  assignment   text not null,
  organization text,
  address      text
);

-- https://www.unicode.org/reports/tr44/#UnicodeData.txt
create table unicode (
  code               text primary key,
  name               text not null,
  general_category   char(2) not null,
  combining_class    smallint not null,
  bidi_class         text not null,
  decomposition      text,
  decimal_value      smallint,
  digit_value        smallint,
  numeric_value      text,
  bidi_mirrored      boolean not null,
  unicode_1_name     text,
  iso_comment        text,
  uppercase_mapping  text,
  lowercase_mapping  text,
  titlecase_mapping  text
);

create table trips (
  id   integer,
  fare numeric,
  note text
);
