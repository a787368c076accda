#include <gmock/gmock.h>

#include <algorithm>

#include "support/migrations.hpp"
#include "support/schema_dump.hpp"
#include "support/tool_folders.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// The program itself; empty: npm cannot be reached.
std::string dbmate_program() {
  const Finished fetched =
      Process({}, {.program = PGSLUICE_SOURCE_DIR "/script/fetch-dbmate"}).wait();
  EXPECT_TRUE(fetched.exit_code == 0 || fetched.exit_code == 3) << fetched.err;
  return fetched.exit_code == 0 ? fetched.out.substr(0, fetched.out.find('\n')) : "";
}

class WithDbmate : public MigrationTest {
 protected:
  void SetUp() override {
    program_ = dbmate_program();
    if (program_.empty()) GTEST_SKIP() << "npm cannot be reached";
    const auto& tools = tool_folders();
    tool_ = &*std::ranges::find(tools, "dbmate", &ToolFolder::tool);
  }
  Finished dbmate(const std::string& subcommand) {
    const char* const separator = url().contains('?') ? "&" : "?";
    return Process({"--url", url() + separator + "sslmode=disable", "--migrations-dir", folder(),
                    "--no-dump-schema", subcommand},
                   {.program = program_})
        .wait();
  }
  void write_files(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) write(tool_->files[i].first, tool_->files[i].second);
  }

  std::string program_;
  const ToolFolder* tool_ = nullptr;
};

TEST_F(WithDbmate, ItsHistoryIsTakenOverInTheMiddle) {
  write_files(4);
  const Finished whole = dbmate("up");
  ASSERT_EQ(0, whole.exit_code) << whole.out << whole.err;
  db().run("drop table schema_migrations");
  const std::string schema = schema_dump(url());
  db().run("drop table orders, customers; drop function orders_of");
  for (const auto& [file, text] : tool_->files) ASSERT_EQ(0, std::remove(path(file).c_str()));

  write_files(2);
  ASSERT_EQ(0, dbmate("up").exit_code);
  write_files(4);
  const Finished adopted = migrate("adopt", {"--yes"});
  ASSERT_EQ(0, adopted.exit_code) << adopted.err;
  EXPECT_THAT(adopted.out, HasSubstr("the history of dbmate in public.schema_migrations"));
  const Finished on = up();
  ASSERT_EQ(0, on.exit_code) << on.err;
  EXPECT_THAT(on.out, HasSubstr("applied " + path(tool_->files[2].first)));
  EXPECT_EQ(2, db().number("select count(*) from schema_migrations")) << "it is left as it is";
  db().run("drop table schema_migrations");
  EXPECT_EQ(schema, schema_dump(url()));
}

/// Both undo what the other has done.
TEST_F(WithDbmate, BothReadTheSameFilesAlike) {
  write_files(4);
  ASSERT_EQ(0, up().exit_code);
  const std::string schema = schema_dump(url());
  ASSERT_EQ(0, migrate("down", {"--to", "0", "--yes", "--no-transaction"}).exit_code);
  ASSERT_EQ(0, dbmate("up").exit_code);
  for (int i = 0; i < 4; ++i) {
    const Finished back = dbmate("rollback");
    EXPECT_EQ(0, back.exit_code) << back.out << back.err;
  }
  ASSERT_EQ(0, up().exit_code);
  db().run("drop table schema_migrations");
  EXPECT_EQ(schema, schema_dump(url()));
}

}  // namespace
}  // namespace sluice::test
