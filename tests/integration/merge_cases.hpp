#pragma once

#include <string>
#include <vector>

/// What MergeProperty draws from: kinds of keys, and what a table may do with records.
namespace sluice::test {

/// A column k that keys are made of. The index is on (k, p).
struct KeyKind {
  std::string name;
  std::string type;
  std::vector<std::vector<std::string>> keys;  ///< each in all its spellings
  std::string setup = "";                      ///< SQL before the table is made
  std::string indexed = "k";                   ///< as in `create unique index`
  /// The same as the index sees it: two expressions over a.k and b.k.
  std::string equal = "a.k = b.k";
  std::string nulls = "";  ///< of the index
  int version_min = 0;
  std::string needs = "";  ///< a query that is false where the server lacks it
};

/// An operator class of one's own, that looks at an expression over the value.
inline std::string operator_class(const std::string& name, const std::string& type,
                                  const std::string& expression) {
  const auto of = [&expression](const std::string& argument) {
    std::string text = expression;
    text.replace(text.find('?'), 1, argument);
    return text;
  };
  std::string sql;
  const std::vector<std::pair<std::string, std::string>> operators = {
      {"<", "<#"}, {"<=", "<=#"}, {"=", "=#"}, {">=", ">=#"}, {">", ">#"}};
  std::string members;
  int strategy = 0;
  for (const auto& [plain, own] : operators) {
    const std::string function = name + "_" + std::to_string(++strategy);
    sql += "create function " + function + "(" + type + ", " + type +
           ") returns boolean immutable language sql as $$ select " + of("$1") + " " + plain + " " +
           of("$2") + " $$; create operator " + own + " (leftarg = " + type +
           ", rightarg = " + type + ", function = " + function + "); ";
    members += "operator " + std::to_string(strategy) + " " + own + ", ";
  }
  sql += "create function " + name + "_cmp(" + type + ", " + type +
         ") returns int immutable language sql as $$ select case when " + of("$1") + " < " +
         of("$2") + " then -1 when " + of("$1") + " > " + of("$2") +
         " then 1 else 0 end $$; create operator class " + name + " for type " + type +
         " using btree as " + members + "function 1 " + name + "_cmp(" + type + ", " + type + ")";
  return sql;
}

inline const std::vector<KeyKind>& key_kinds() {
  static const std::string has_icu =
      "select exists (select from pg_collation where collprovider = 'i')";
  static const std::string ignoring_case =
      "create collation ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = "
      "false)";
  static const std::vector<KeyKind> kinds = {
      {"int2", "int2", {{"1", "01"}, {"-2"}, {"3", " 3"}, {"4"}}},
      {"int4", "int", {{"1", "01"}, {"-2"}, {"3", " 3"}, {"400000"}}},
      {"int8", "bigint", {{"1", "01"}, {"-2"}, {"3", " 3"}, {"4000000000"}}},
      {"boolean", "boolean", {{"t", "true", "1", "yes"}, {"f", "off"}}},
      {"oid", "oid", {{"1"}, {"2", "02"}, {"4294967295", "-1"}}},
      {"numeric",
       "numeric",
       {{"1.5", "1.50", "15e-1"}, {"0", "0.00", "-0"}, {"NaN"}, {"7", "7.0"}}},
      {"numeric_6_1", "numeric(6,1)", {{"1.5", "1.52", "1.45"}, {"0", "0.04"}, {"7", "6.96"}}},
      {"float4", "float4", {{"0", "-0"}, {"NaN"}, {"1.5", "15e-1"}, {"0.1", "0.10000000149"}}},
      {"float8", "float8", {{"0", "-0"}, {"NaN"}, {"1.5", "15e-1"}, {"Infinity", "inf"}}},
      {"money", "money", {{"1.50", "$1.50", "1.5"}, {"2", "2.00"}, {"-3"}}},
      {"text", "text", {{"a"}, {"a "}, {"A"}, {"\xc3\xa4"}, {"tab\there"}}},
      {"varchar", "varchar(3)", {{"a"}, {"abc", "abc  "}, {"A"}, {"\xc3\xa4"}}},
      {"char", "char(3)", {{"a", "a ", "a  "}, {"b", "b     "}, {"abc"}}},
      {"bpchar", "bpchar", {{"a", "a ", "a   "}, {"b", "b  "}, {"abc"}}},
      {"name", "name", {{"a"}, {"b"}, {"c c"}}},
      {"char_byte", "\"char\"", {{"a"}, {"b"}, {"c"}}},
      {"bytea", "bytea", {{"\\x01", "\\001"}, {"\\x6162", "ab"}, {""}}},
      {"uuid",
       "uuid",
       {{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
         "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"},
        {"00000000-0000-0000-0000-000000000000"}}},
      {"date", "date", {{"2024-01-05", "Jan 5 2024", "20240105"}, {"infinity"}, {"2024-02-29"}}},
      {"time", "time", {{"12:00", "12:00:00.0", "12 PM"}, {"24:00"}, {"0:00", "12 AM"}}},
      {"time_0", "time(0)", {{"12:00", "12:00:00.4"}, {"12:00:01", "12:00:00.6"}}},
      {"timetz", "timetz", {{"12:00+00", "12:00:00+00"}, {"13:00+01"}, {"12:00+01"}}},
      {"timestamp",
       "timestamp",
       {{"2024-01-05 12:00", "2024-01-05T12:00:00"}, {"-infinity"}, {"epoch", "1970-01-01"}}},
      {"timestamptz",
       "timestamptz",
       {{"2024-01-05 12:00+00", "2024-01-05 14:00+02", "2024-01-05 12:00:00Z"},
        {"infinity"},
        {"2024-06-01 00:00-08"}}},
      {"timestamptz_0",
       "timestamptz(0)",
       {{"2024-01-05 12:00+00", "2024-01-05 12:00:00.3+00"}, {"2024-06-01 00:00-08"}}},
      {"interval",
       "interval",
       {{"1 day", "24 hours", "24:00:00"}, {"1 month", "30 days"}, {"-1 day"}}},
      {"inet", "inet", {{"10.0.0.1", "10.0.0.1/32"}, {"10.0.0.1/8"}, {"::1", "0::1"}}},
      {"cidr", "cidr", {{"10.0.0.0/8", "10/8"}, {"10.0.0.0/16"}, {"::/0"}}},
      {"macaddr", "macaddr", {{"08:00:2b:01:02:03", "08002b010203"}, {"08-00-2b-01-02-04"}}},
      {"bit_varying", "bit varying", {{"1"}, {"10"}, {"01"}, {"X1", "0001"}}},
      {"jsonb",
       "jsonb",
       {{"{\"a\":1,\"b\":2}", "{\"b\":2, \"a\":1}"}, {"1.0", "1.0 "}, {"\"x\""}, {"null"}}},
      {"int_array", "int[]", {{"{1,2}", "{ 1, 2 }", "[1:2]={1,2}"}, {"{}"}, {"{NULL}"}}},
      {"numeric_array", "numeric[]", {{"{1.5}", "{1.50}"}, {"{1.5,NULL}"}, {"{}"}}},
      {"text_array", "text[]", {{"{a}", "{\"a\"}"}, {"{A}"}, {"{\"NULL\"}"}, {"{NULL}"}}},
      {"range", "int4range", {{"[1,3]", "[1,4)", "(0,4)"}, {"empty", "[1,1)"}, {"(,)"}}},
      {"numeric_range", "numrange", {{"[1.0,2)", "[1.00,2.0)"}, {"empty"}, {"[1,2]"}}},
      {"enumeration",
       "mood",
       {{"sad"}, {"ok"}, {"happy"}},
       "create type mood as enum ('sad', 'ok', 'happy')"},
      {"domain",
       "digit",
       {{"1", "01"}, {"2"}, {"11"}},
       "create domain digit as int check (value < 10)"},
      {"domain_over_domain",
       "short",
       {{"1.5", "1.54"}, {"2", "2.0"}},
       "create domain rounded as numeric(6,1); create domain short as rounded check (value < 100)"},
      {"domain_over_array",
       "pair",
       {{"{1,2}", "{01,2}"}, {"{2,1}"}, {"{1}"}},
       "create domain pair as int[] check (cardinality(value) = 2)"},
      {"composite",
       "money_of",
       {{"(1.5,eur)", "(1.50,eur)"}, {"(1.5,usd)"}, {"(,eur)"}, {"(,)"}},
       "create type money_of as (amount numeric, currency text)"},
      {"tsvector", "tsvector", {{"a b", "b a", "a a b"}, {"a"}, {"a:1"}}},
      {"pg_lsn", "pg_lsn", {{"0/1", "00/01"}, {"1/0"}}},
      {"citext",
       "citext",
       {{"a", "A"}, {"b"}, {"\xc3\xa4", "\xc3\x84"}},
       "create extension citext",
       "k",
       "lower(a.k::text) = lower(b.k::text)",
       "",
       0,
       "select exists (select from pg_available_extensions where name = 'citext')"},
      {"own_operator_class",
       "int",
       {{"1", "-1"}, {"2"}, {"-3", "3"}},
       operator_class("by_size", "int", "abs(?)"),
       "k by_size",
       "abs(a.k) = abs(b.k)"},
      {"own_class_of_text",
       "text",
       {{"a", "A"}, {"b", "B"}, {"c"}},
       operator_class("without_case", "text", "lower(?)"),
       "k without_case",
       "lower(a.k) = lower(b.k)"},
      {"text_pattern", "text", {{"a"}, {"A"}, {"a "}}, "", "k text_pattern_ops", "a.k = b.k"},
      {"index_ignores_case",
       "text",
       {{"a", "A"}, {"b", "B"}, {"c"}},
       ignoring_case,
       "k collate ignoring_case",
       "a.k collate ignoring_case = b.k collate ignoring_case",
       "",
       0,
       has_icu},
      {"column_ignores_case",
       "text collate ignoring_case",
       {{"a", "A"}, {"b", "B"}, {"c"}},
       ignoring_case,
       "k",
       "a.k = b.k",
       "",
       0,
       has_icu},
      {"index_minds_case",
       "text collate ignoring_case",
       {{"a"}, {"A"}, {"b"}, {"B"}},
       ignoring_case,
       "k collate \"C\"",
       "a.k collate \"C\" = b.k collate \"C\"",
       "",
       0,
       has_icu},
      {"nulls_not_distinct",
       "int",
       {{"1", "01"}, {""}, {"2"}},
       "",
       "k",
       "a.k is not distinct from b.k",
       "nulls not distinct",
       150000},
      {"nulls", "numeric", {{"1.5", "1.50"}, {""}, {"2"}}},
  };
  return kinds;
}

/// SQL that gives the table t something of its own, and whether it can be had where t is
/// partitioned. What begins with a letter is what the values of v, which begin with one of xducab,
/// make it do.
struct Feature {
  std::string name;
  std::string sql;
  bool for_partitions = true;
  std::string only_for_partitions = "";  ///< instead of `sql`
  bool judges_stage = false;             ///< --atomic judges it while the rows come
};

inline std::string trigger(const std::string& when, const std::string& body,
                           const std::string& on = "t") {
  return "create function f() returns trigger language plpgsql as $$ begin " + body +
         " return new; end $$; create trigger f " + when + " on " + on +
         " for each row execute function f()";
}

inline const std::vector<Feature>& triggers() {
  static const std::vector<Feature> features = {
      {"no trigger", ""},
      {"drops records",
       trigger("before insert or update", "if new.v like 'd%' then return null; end if;")},
      {"repairs",
       trigger("before insert", "if new.n is null or new.n > 7 then new.n := 3; end if;")},
      {"changes values", trigger("before insert", "new.v := new.v || '!'; new.w := 'trigger';")},
      {"changes keys", trigger("before insert", "if new.v like 'c%' then new.p := 5; end if;"),
       false},
      {"drops updates", trigger("before update", "if new.v like 'u%' then return null; end if;")},
      {"looks at the table",
       trigger("before insert or update", "new.w := (select sum(n) from t)::text;")},
      {"refuses afterwards",
       trigger("after insert or update",
               "insert into log (entry) values (new.v); if new.v like 'a%' then raise 'no'; end "
               "if;")},
      {"a partition's own", "", true,
       trigger("before insert", "if new.v like 'd%' then return null; end if; new.w := 'own';",
               "t1")},
  };
  return features;
}

inline const std::vector<Feature>& constraints() {
  static const std::vector<Feature> features = {
      {"no constraint", ""},
      {"check", "alter table t add check (n < 8)", true, "", true},
      {"not null", "alter table t alter n set not null", true, "", true},
      {"another unique index", "create unique index on t (u)", false},
      {"another unique key", "alter table t add unique (u, p)"},
      {"reference",
       "create table n (n int primary key); insert into n select generate_series(0, 7); "
       "alter table t add foreign key (n) references n"},
      {"expression", "create index on t ((10 / (n - 5)))"},
      {"a partition's own", "", true, "alter table t1 add check (n < 8)"},
  };
  return features;
}

}  // namespace sluice::test
