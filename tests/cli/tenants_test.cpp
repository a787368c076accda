#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Tables of which each role sees and writes its own rows, as people make them.
struct Tenancy {
  std::string name;
  std::string sql;
  std::string table;
};

const std::vector<Tenancy> tenancies{
    {"by policy",
     "create table t (id int, who name default current_user); alter table t enable row level "
     "security; create policy p on t using (who = current_user)",
     "t"},
    {"by policy, partitioned",
     "create table t (id int, who name default current_user) partition by range (id); create table "
     "t0 partition of t default; alter table t enable row level security; create policy p on t "
     "using (who = current_user)",
     "t"},
    {"through a view",
     "create table t (id int, who name default current_user); alter table t enable row level "
     "security; create policy p on t using (who = current_user); create view v as select * from t",
     "v"}};

/// Under row-level security, who loads is a part of what a load is.
class Tenants : public DatabaseTest {
 protected:
  Tenants() {
    for (const char* role : {"tenant_1", "tenant_2"}) urls_.push_back(url_of_new_role(role));
    EXPECT_EQ(0, pgsluice({"load", warm_, "-t", "warm", "-d", url()}).exit_code);
    db().run(
        "grant usage on schema pgsluice to public; grant select, insert, update, delete on all "
        "tables in schema pgsluice to public; grant usage on all sequences in schema pgsluice to "
        "public");
  }
  ~Tenants() override {
    db().run("drop owned by tenant_1, tenant_2 cascade; drop role tenant_1, tenant_2");
  }
  Finished load(const std::string& as, const std::string& table, std::vector<std::string> more = {},
                std::vector<std::string> environment = {}) {
    std::vector<std::string> command{"load", in_, "-t", table, "--progress", "none", "-d", as};
    command.insert(command.end(), more.begin(), more.end());
    return pgsluice(command, {.input = {}, .environment = std::move(environment)});
  }

  TemporaryFolder folder_;
  bool is_made_ = (db().run("create table warm (id int)"), true);
  std::string warm_ = folder_.write("warm.csv", "id\n0\n");
  std::string in_ = folder_.write("in.csv", "id\n1\n2\n");
  std::vector<std::string> urls_;
};

TEST_F(Tenants, EachBringsItsOwnRowsOfAFile) {
  for (const Tenancy& tenancy : tenancies) {
    SCOPED_TRACE(tenancy.name);
    db().run("drop table if exists t cascade; " + tenancy.sql + "; grant select, insert on " +
             tenancy.table + ", t to tenant_1, tenant_2");
    for (const std::string& as : urls_) {
      const Finished first = load(as, tenancy.table);
      EXPECT_EQ(0, first.exit_code) << first.err;
      EXPECT_THAT(load(as, tenancy.table).out, HasSubstr("nothing to do"));
    }
    EXPECT_EQ(4, db().number("select count(*) from t"));
    EXPECT_EQ(4, db().number("select count(distinct (id, who)) from t"));
    for (const std::string& as : urls_)
      EXPECT_THAT(load(as, tenancy.table).out, HasSubstr("nothing to do"));
    // Whose rows these are by a setting is named, and nothing is doubled.
    const Finished by_setting = load(url(), tenancy.table, {"--set", "role=tenant_2"});
    EXPECT_EQ(7, by_setting.exit_code);
    EXPECT_THAT(by_setting.err, HasSubstr("\"role\":\"tenant_2\""));
    EXPECT_EQ(4, db().number("select count(*) from t"));
  }
}

/// Policies read settings too.
TEST_F(Tenants, ATenantBySettingIsNeverLeftOut) {
  db().run(
      "create table t (id int, who text default current_setting('app.tenant')); alter table t "
      "enable "
      "row level security; create policy p on t using (who = current_setting('app.tenant')); grant "
      "select, insert on t to tenant_1");
  const auto with = [](const std::string& name) {
    return std::vector<std::string>{"--set", "app.tenant=" + name};
  };
  EXPECT_EQ(0, load(urls_[0], "t", with("a")).exit_code);
  EXPECT_THAT(load(urls_[0], "t", with("a")).out, HasSubstr("nothing to do"));
  EXPECT_EQ(7, load(urls_[0], "t", with("b")).exit_code);
  std::vector<std::string> again = with("b");
  again.emplace_back("--again");
  EXPECT_EQ(0, load(urls_[0], "t", again).exit_code);
  EXPECT_EQ(4, db().number("select count(distinct (id, who)) from t"));
  const Finished by_options = load(urls_[0], "t", {}, {"PGOPTIONS=-c app.tenant=c"});
  EXPECT_EQ(7, by_options.exit_code) << by_options.err;
  EXPECT_EQ(0, load(urls_[0], "t", {"--again"}, {"PGOPTIONS=-c app.tenant=c"}).exit_code);
  EXPECT_THAT(load(urls_[0], "t", {}, {"PGOPTIONS=-c app.tenant=c"}).out,
              HasSubstr("nothing to do"));
  const Finished other = load(urls_[0], "t", {}, {"PGOPTIONS=-c app.tenant=d"});
  EXPECT_EQ(7, other.exit_code) << other.err;
  EXPECT_THAT(other.err, HasSubstr("PGOPTIONS"));
  EXPECT_EQ(6, db().number("select count(distinct (id, who)) from t"));
}

/// Where no row-level security applies to who loads, a file is in the table whoever brought it.
TEST_F(Tenants, WithoutRowSecurityAFileIsLoadedOnce) {
  db().run("create table t (id int); grant select, insert on t to tenant_1, tenant_2");
  EXPECT_EQ(0, load(urls_[0], "t").exit_code);
  EXPECT_THAT(load(urls_[1], "t").out, HasSubstr("nothing to do"));
  EXPECT_THAT(load(url(), "t").out, HasSubstr("nothing to do"));
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

}  // namespace
}  // namespace sluice::test
