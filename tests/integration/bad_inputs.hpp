#pragma once

#include <functional>
#include <string>
#include <vector>

#include "load/options.hpp"

namespace sluice::test {

/// A file with bad records in it, and which they are.
struct BadInput {
  const char* name;
  const char* table;  ///< SQL that makes table t
  std::string csv;
  /// Of each bad record in file order: its line, SQLSTATE, column.
  std::vector<std::tuple<std::uint64_t, const char*, const char*>> rejects;
  std::function<void(load::LoadOptions&)> options = {};
  bool good_alone = false;  ///< what is wrong with it is its neighbours' line end
  bool one_by_one = false;  ///< records exclude each other: one connection decides which is first
};

inline const std::string nul(1, '\0');

inline void semicolons(load::LoadOptions& o) { o.dialect.delimiter = ';'; }
inline void no_header(load::LoadOptions& o) { o.header = load::HeaderMode::none; }
inline void backslash(load::LoadOptions& o) { o.dialect.escape = '\\'; }
inline void latin1(load::LoadOptions& o) { o.encoding = "LATIN1"; }
inline void pad(load::LoadOptions& o) { o.record_policy.ragged = tuple::Ragged::pad; }
inline void skip_blank(load::LoadOptions& o) {
  o.record_policy.blank_lines = tuple::BlankLines::skip;
}
inline void reject_blank(load::LoadOptions& o) {
  o.record_policy.blank_lines = tuple::BlankLines::reject;
}
inline void null_blank(load::LoadOptions& o) {
  o.record_policy.blank_lines = tuple::BlankLines::null;
}

#define PARENTS "create table p (id int primary key); insert into p values (1), (2), (3); "
#define NOT_THREE                                                                             \
  "create function no() returns trigger language plpgsql as $$ begin if new.id = 3 then raise " \
  "exception 'not three'; end if; return new; end $$; "

inline const std::vector<BadInput> bad_inputs{
    // structure
    {"too few values", "create table t (a int, b int)", "a,b\n1,1\n2\n3,3\n", {{3, "22P04", ""}}},
    {"too many values", "create table t (a int)", "a\n1\n2,2\n3\n", {{3, "22P04", ""}}},
    {"too few and too many", "create table t (a int, b int)", "a,b\n1\n1,2,3\n4,4\n5,5,\n", {{2, "22P04", ""}, {3, "22P04", ""}, {5, "22P04", ""}}},
    {"first record", "create table t (a int)", "a\n1,2\n3\n", {{2, "22P04", ""}}},
    {"last record without a line end", "create table t (a int)", "a\n1\n2,3", {{3, "22P04", ""}}},
    {"all records", "create table t (a int)", "a\nx\ny\nz\n", {{2, "22P02", "a"}, {3, "22P02", "a"}, {4, "22P02", "a"}}},
    {"unterminated quote", "create table t (a int, b text)", "a,b\n1,x\n2,\"y\n3,z\n", {{3, "22P04", ""}}},
    {"unterminated quote and others", "create table t (a int, b text)", "a,b\n1x,x\n2,y\n3,\"z\n", {{2, "22P02", "a"}, {4, "22P04", ""}}},
    {"quotes that open in the middle are fine", "create table t (a text)", "a\nx\"y\"z\n\"x\"y\n", {}},
    {"stray CR in an LF file", "create table t (a text)", "a\nx\ny\rz\nw\n", {{3, "22P04", ""}}},
    {"stray LF in a CRLF file", "create table t (a text)", "a\r\nx\r\ny\nz\r\n", {{3, "22P04", ""}}, {}, true},
    {"CRLF file, bad value", "create table t (a int)", "a\r\n1\r\n2x\r\n3\r\n", {{3, "22P02", "a"}}},
    {"CR file, bad value", "create table t (a int)", "a\r1\r2x\r3\r", {{3, "22P02", "a"}}},
    {"newlines in quotes count as lines", "create table t (a int, b text)", "a,b\n1,\"x\ny\nz\"\n2x,b\n", {{5, "22P02", "a"}}},
    {"bad value behind newlines of its own record", "create table t (b text, a int)", "b,a\n\"x\ny\",2x\n", {{2, "22P02", "a"}}},
    {"blank line, two columns", "create table t (a int, b int)", "a,b\n1,1\n\n2,2\n", {{3, "22P04", ""}}},
    {"blank line, one column, is NULL", "create table t (a int)", "a\n1\n\n2\n", {}},
    {"blank line, one column, NOT NULL", "create table t (a int not null)", "a\n1\n\n2\n", {{3, "23502", "a"}}},
    {"blank lines skipped", "create table t (a int, b int)", "a,b\n\n1,1\n\n2,2x\n", {{5, "22P02", "b"}}, skip_blank},
    {"blank lines rejected", "create table t (a int)", "a\n1\n\n2\n\n", {{3, "22P04", ""}, {5, "22P04", ""}}, reject_blank},
    {"blank lines are NULLs", "create table t (a int, b int not null)", "a,b\n\n1,1\n", {{2, "23502", "b"}}, null_blank},
    {"padded", "create table t (a int, b int)", "a,b\n1\n2,2,2\n3,3\n", {{3, "22P04", ""}}, pad},
    {"padded into NOT NULL", "create table t (a int, b int not null)", "a,b\n1\n3,3\n", {{2, "23502", "b"}}, pad},
    {"other delimiter", "create table t (a int, b int)", "a;b\n1;1\n1,1\n", {{3, "22P04", ""}}, semicolons},
    {"escape character", "create table t (a text, b int)", "a,b\n\"x\\\"y\",1\n\"\\\",2\n", {{3, "22P04", ""}}, backslash},
    {"no header", "create table t (a int)", "x\n1\ny\n", {{1, "22P02", "a"}, {3, "22P02", "a"}}, no_header},
    // encoding
    {"not UTF-8", "create table t (a int, b text)", "a,b\n1,x\n2,\xff\n3,z\n", {{3, "22021", "b"}}},
    {"UTF-8 cut short", "create table t (b text, a int)", "b,a\n\xc3\xa9,1\n\xc3,2\n", {{3, "22021", "b"}}},
    {"a surrogate", "create table t (b text)", "b\n\xed\xa0\x80\nx\n", {{2, "22021", "b"}}},
    {"NUL", "create table t (a int, b text)", "a,b\n1,x" + nul + "y\n2,z\n", {{2, "22021", "b"}}},
    {"bad encoding in an ignored column", "create table t (a int)", "a,more\n1,x\n2,\xff\n", {{3, "22021", ""}}, [](load::LoadOptions& o) { o.ignore_extra = true; }},
    {"any byte is LATIN1", "create table t (b text)", "b\n\xe9\n\xff\n", {}, latin1},
    {"NUL in LATIN1", "create table t (b text, a int)", "b,a\n\xe9,1\nx" + nul + ",2\ny,3\n", {{3, "22021", "b"}}, latin1},
    // conversion
    {"int", "create table t (a int, b int)", "a,b\n1,1\n2,2x\n3,3\n", {{3, "22P02", "b"}}},
    {"int out of range", "create table t (a int)", "a\n2147483647\n2147483648\n", {{3, "22003", "a"}}},
    {"smallint out of range", "create table t (a smallint)", "a\n-32768\n-32769\n", {{3, "22003", "a"}}},
    {"numeric", "create table t (a numeric)", "a\n1.5\n1.5.5\n", {{3, "22P02", "a"}}},
    {"numeric precision", "create table t (a numeric(4,2))", "a\n99.99\n100\n99.994\n99.995\n-100\n", {{3, "22003", "a"}, {5, "22003", "a"}, {6, "22003", "a"}}},
    {"varchar length", "create table t (a varchar(3))", "a\nabc\nabcd\nabc   \n\xc3\xa9\xc3\xa9\xc3\xa9\n", {{3, "22001", "a"}}},
    {"char length", "create table t (a char(2))", "a\nab\nabc\na\n", {{3, "22001", "a"}}},
    {"boolean", "create table t (a bool)", "a\nyes\nmaybe\n0\n", {{3, "22P02", "a"}}},
    {"date", "create table t (a date)", "a\n2024-02-29\n2023-02-29\nJan 3 2024\n", {{3, "22008", "a"}}},
    {"timestamp", "create table t (a timestamp)", "a\n2024-01-01 00:00\n2024-01-01 25:00\nnow is not\n", {{3, "22008", "a"}, {4, "22007", "a"}}},
    {"uuid", "create table t (a uuid)", "a\n00000000-0000-0000-0000-000000000000\n0000\n", {{3, "22P02", "a"}}},
    {"json", "create table t (a int, b json)", "a,b\n1,{}\n2,{\n3,[]\n", {{3, "22P02", "b"}}},
    {"jsonb", "create table t (a int, b jsonb)", "a,b\n1,{}\n2,\"{\"\"x\"\":}\"\n3,[]\n", {{3, "22P02", "b"}}},
    {"enum", "create type mood as enum ('sad', 'ok'); create table t (a mood)", "a\nok\ngreat\nsad\n", {{3, "22P02", "a"}}},
    {"array", "create table t (a int[])", "a\n{1}\n{1\n\"{1,2}\"\n", {{3, "22P02", "a"}}},
    {"inet", "create table t (a inet)", "a\n10.0.0.1\n10.0.0.256\n", {{3, "22P02", "a"}}},
    {"bytea", "create table t (a bytea)", "a\n\\x00\n\\x0\n", {{3, "22023", "a"}}},
    {"a type without a codec", "create table t (a int, b money)", "a,b\n1,$5\n2,five\n3,$6\n", {{3, "22P02", "b"}}},
    {"domain's check", "create domain small as int check (value < 10); create table t (a small)", "a\n1\n10\n2\n", {{3, "23514", "a"}}},
    {"two bad values: the first is named", "create table t (a int, b int)", "a,b\n1,1\nx,y\n", {{3, "22P02", "a"}}},
    {"empty string is not NULL", "create table t (a int)", "a\n1\n\"\"\n", {{3, "22P02", "a"}}},
    // constraints
    {"NOT NULL", "create table t (a int, b text not null)", "a,b\n1,x\n2,\n3,z\n4,\n", {{3, "23502", "b"}, {5, "23502", "b"}}},
    {"CHECK", "create table t (a int check (a < 10))", "a\n1\n10\n2\n11\n3\n", {{3, "23514", ""}, {5, "23514", ""}}},
    {"CHECK over two columns", "create table t (a int, b int, check (a < b))", "a,b\n1,2\n2,1\n", {{3, "23514", ""}}},
    {"primary key in the file", "create table t (a int primary key, b int)", "a,b\n1,1\n2,2\n1,3\n3,4\n2,5\n", {{4, "23505", ""}, {6, "23505", ""}}, {}, false, true},
    {"primary key in the table", "create table t (a int primary key); insert into t values (2)", "a\n1\n2\n3\n", {{3, "23505", ""}}},
    {"primary key, slow record first", "create table t (a int primary key, b int)", "a,b\n 1,1\n1,2\n2,3\n", {{3, "23505", ""}}, {}, false, true},
    {"primary key, fast record first", "create table t (a int primary key, b int)", "a,b\n1,1\n 1,2\n2,3\n", {{3, "23505", ""}}, {}, false, true},
    {"deferred unique", "create table t (a int unique deferrable initially deferred)", "a\n1\n2\n1\n3\n", {{4, "23505", ""}}, {}, false, true},
    {"exclusion", "create table t (r int4range, exclude using gist (r with &&))", "r\n\"[1,3)\"\n\"[5,6)\"\n\"[2,4)\"\n\"[7,8)\"\n", {{4, "23P01", ""}}, {}, false, true},
    {"foreign key", PARENTS "create table t (a int, b int references p)", "a,b\n1,1\n2,7\n3,3\n4,8\n5,2\n", {{3, "23503", ""}, {5, "23503", ""}}},
    {"foreign key, deferred", PARENTS "create table t (a int, b int references p deferrable initially deferred)", "a,b\n1,1\n2,7\n3,3\n4,8\n", {{3, "23503", ""}, {5, "23503", ""}}},
    {"foreign key, slow record", PARENTS "create table t (a int, b int references p)", "a,b\n1,1\n2, 7\n3,3\n 4,2\n", {{3, "23503", ""}}},
    {"trigger before", NOT_THREE "create table t (id int); create trigger no before insert on t for each row execute function no()", "id\n1\n2\n3\n4\n3\n", {{4, "P0001", ""}, {6, "P0001", ""}}},
    {"trigger after", NOT_THREE "create table t (id int); create trigger no after insert on t for each row execute function no()", "id\n1\n2\n3\n4\n3\n", {{4, "P0001", ""}, {6, "P0001", ""}}},
    {"constraint trigger, deferred", NOT_THREE "create table t (id int); create constraint trigger no after insert on t deferrable initially deferred for each row execute function no()", "id\n1\n2\n3\n4\n", {{4, "P0001", ""}}},
    {"no partition", "create table t (a int) partition by range (a); create table t1 partition of t for values from (0) to (10)", "a\n1\n10\n2\n", {{3, "23514", ""}}},
    {"a partition's own check", "create table t (a int) partition by range (a); create table t1 partition of t (check (a <> 5)) for values from (0) to (10)", "a\n1\n5\n2\n", {{3, "23514", ""}}},
    {"view with check option", "create table b (a int); create view t as select a from b where a < 10 with check option; create function put() returns trigger language plpgsql as $$ begin if new.a >= 10 then raise check_violation; end if; insert into b values (new.a); return new; end $$; create trigger put instead of insert on t for each row execute function put()", "a\n1\n10\n2\n", {{3, "23514", ""}}},
    {"division by zero in a generated column", "create table t (a int, b int generated always as (10 / a) stored)", "a\n1\n0\n5\n", {{3, "22012", ""}}},
    {"expression index", "create table t (a int); create index on t ((10 / a))", "a\n1\n0\n5\n", {{3, "22012", ""}}},
    // many kinds at once
    {"one of each", PARENTS "create table t (a int primary key, b varchar(2) not null, c int references p check (c < 3))", "a,b,c\n1,x,1\n2,xyz,1\n3,,1\n4,x,9\n5,x,3\n1,x,1\n6,x\n7,\xff,1\nx,x,1\n8,x,2\n", {{3, "22001", "b"}, {4, "23502", "b"}, {5, "23514", ""}, {6, "23514", ""}, {7, "23505", ""}, {8, "22P04", ""}, {9, "22021", "b"}, {10, "22P02", "a"}}, {}, false, true},
};

}  // namespace sluice::test
