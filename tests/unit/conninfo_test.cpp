#include "pg/conninfo.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/failure.hpp"
#include "support/files.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Whatever is wrong with a connection, what is said holds no part of its password.
TEST(Conninfo, WhatCannotBeReadIsNotQuoted) {
  for (const char* dbname : {
           "postgresql://me:s3cret%zz@host/db",
           "postgresql://me:s3cret@[::1/db",
           "postgresql://me:s3cret@[]/db",
           "postgresql://me:s3cret@[::1]x/db",
           "postgresql://me:pass@s3cret@host/db",
           "postgresql://me:pass/s3cret@host/db",
           "postgresql://me:1/s3cret@host/db",
           "postgresql://me:p@ss/s3cret@host/db",
           "postgresql://me@host/db?password=s3cret&nonsense",
           "postgresql://me@host/db?password=s3cret%&x=y",
           "postgres://host/db?sslpassword=s3cret&=",
           "host=h password=my s3cret",
           "host=h password='s3cret",
           "host=h sslpassword=a \"s3cret\"",
       }) {
    for (const auto& call : {+[](const pg::ConnectOptions& o) { pg::keywords_of(o); },
                             +[](const pg::ConnectOptions& o) { pg::conninfo(o); },
                             +[](const pg::ConnectOptions& o) { pg::given_conninfo(o); }}) {
      try {
        call({.dbname = dbname});
        ADD_FAILURE() << dbname << " is read";
      } catch (const Failure& failure) {
        EXPECT_EQ(FailureKind::usage, failure.kind());
        EXPECT_THAT(failure.what(), Not(HasSubstr("s3cret"))) << dbname;
        EXPECT_THAT(failure.what(), HasSubstr("the connection"));
      }
    }
  }
}

TEST(Conninfo, WhatHoldsNoPasswordIsQuoted) {
  try {
    pg::conninfo({.dbname = "hots=h dbname=d"});
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("\"hots\""));
  }
}

TEST(Conninfo, UsualOnesAreRead) {
  for (const char* dbname :
       {"plain", "postgresql:", "postgresql://", "postgresql://h:5433/d", "postgresql://me@h/d@b",
        "postgresql://me:p%40ss@h/d", "postgresql://h:5432/d?user=me@server&password=a@b:c/d",
        "postgresql://me@h:5/d?password=a@b/c", "postgresql://me:a?b@h/d", "postgresql://%2Ftmp/d",
        "postgresql:///d?host=@abstract", "postgresql://a:1,b:2/d",
        "postgresql://me:p@[::1]:5432/d?options=-c%20search_path%3Da",
        "host=h password='it\\'s' options='-c a=b'"})
    EXPECT_NO_THROW(pg::conninfo({.dbname = dbname})) << dbname;
}

TEST(Conninfo, AnotherProcessIsHandedAllThatWasGiven) {
  const TemporaryFolder folder;
  const std::string services = folder.write("pg_service.conf", "[s]\nconnect_timeout=9\n");
  ASSERT_EQ(0, ::setenv("PGSERVICEFILE", services.c_str(), 1));
  const std::string given = pg::given_conninfo(
      {.dbname = "postgresql://me:it%27s@h:5433/d?sslpassword=a%5Cb&passfile=/x&service=s&options="
                 "-c%20a%3Db",
       .port = "5434"});
  pg::Keywords keywords = pg::keywords_of({.dbname = given});
  EXPECT_EQ("dbname", keywords.back().first);
  EXPECT_EQ(given, keywords.back().second);
  EXPECT_EQ(given, pg::given_conninfo({.dbname = given})) << "it is read as it was written";
  for (const char* part : {"password='it\\'s'", "sslpassword='a\\\\b'", "port='5434'",
                           "passfile='/x'", "service='s'", "options='-c a=b'"})
    EXPECT_THAT(given, HasSubstr(part));
  ::unsetenv("PGSERVICEFILE");
}

}  // namespace
}  // namespace sluice::test
