#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

constexpr const char* commands[] = {
    "gzip -c", "zstd -q -c", "lz4 -q -c", "lz4 -q -c -l", "xz -0 -c -T2 --block-size=100KiB",
    "bzip2 -c"};

/// Loads of what is packed, by the program.
class PackedLoad : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int, name text)"); }

  Finished load(const std::string& path, std::vector<std::string> flags = {},
                const std::string& input = {}) const {
    std::vector<std::string> all{"load", path, "-t", "t", "-d", url(), "--progress", "none"};
    all.insert(all.end(), flags.begin(), flags.end());
    Process::Options options;
    options.input = input;
    return pgsluice(std::move(all), std::move(options));
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }
  /// Each of the first records is there once, and nothing else.
  std::int64_t first_rows() {
    const std::int64_t count = rows();
    EXPECT_EQ(count, db().number("select count(distinct id) from t"));
    EXPECT_EQ(count, db().number("select coalesce(max(id), 0) from t"));
    return count;
  }
  void expect_all_of(const std::string& text) {
    db().run("create temp table whole (id int, name text)");
    EXPECT_FALSE(db().copy("whole", "format csv, header true", text));
    EXPECT_EQ(db().number("select count(*) from whole"), rows());
    EXPECT_EQ(0, db().number("select count(*) from (table whole except table t) as missing"));
    db().run("drop table whole");
    EXPECT_EQ("", ledger_disagreement("t"));
  }

  TemporaryFolder folder_;
};

TEST_F(PackedLoad, IsTheTableOfThePlainFile) {
  const std::string text = csv_to_pack(300'000);
  for (const char* command : commands) {
    for (const char* size : {"997", "64KiB", "8MiB"}) {
      SCOPED_TRACE(std::string(command) + " in chunks of " + size);
      const Finished loaded =
          load(folder_.write("f.csv.packed", piped(command, text)), {"--chunk-size", size});
      EXPECT_EQ(0, loaded.exit_code) << loaded.err;
      expect_all_of(text);
      db().run("truncate t; drop schema pgsluice cascade");
    }
  }
}

TEST_F(PackedLoad, IsOneWithTheStreamAndThePlainFile) {
  const std::string text = csv_to_pack(200'000);
  const std::string plain = folder_.write("f.csv", text);
  const std::string packed = folder_.write("f.csv.gz", piped("gzip -c", text));
  const auto all = {std::pair(packed, std::string()), std::pair(std::string("-"), plain),
                    std::pair(std::string("-"), packed), std::pair(plain, std::string())};
  for (const auto& [first, first_input] : all) {
    ASSERT_EQ(0, load(first, {}, first_input).exit_code);
    const std::int64_t count = first_rows();
    for (const auto& [path, input] : all) {
      SCOPED_TRACE(first + first_input + " and then " + path + input);
      const Finished again = load(path, {}, input);
      EXPECT_EQ(0, again.exit_code) << again.err;
      EXPECT_THAT(again.out, HasSubstr("nothing to do"));
      EXPECT_EQ(count, rows());
    }
    db().run("truncate t; drop schema pgsluice cascade");
  }
}

TEST_F(PackedLoad, UntouchedIsKnownWithoutUnpacking) {
  const std::string packed = folder_.write("f.csv.xz", piped("xz -0 -c", csv_to_pack(9'000'000)));
  ASSERT_EQ(0, load(packed).exit_code);
  std::fstream file(packed, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(packed) / 2));
  file.write("damage", 6);
  file.close();
  EXPECT_EQ(1, load(packed).exit_code) << "touched, it is compared, and the damage found";
  // Another load says what stamp it has by now.
  db().run("create table u (id int, name text)");
  ASSERT_EQ(0, pgsluice({"load", packed, "-t", "u", "-d", url(), "--limit", "1"}).exit_code);
  db().run(
      "update pgsluice.loads set source_stamp = (select source_stamp from pgsluice.loads "
      "where target = 'public.u') where state = 'finished'");
  const Finished untouched = load(packed);
  EXPECT_EQ(0, untouched.exit_code) << untouched.err;
  EXPECT_THAT(untouched.out, HasSubstr("nothing to do"));
}

TEST_F(PackedLoad, OfOtherNameAndSameContentIsRefused) {
  const std::string gz = piped("gzip -c", csv_to_pack(2000));
  ASSERT_EQ(0, load(folder_.write("monday.csv.gz", gz)).exit_code);
  const Finished other = load(folder_.write("tuesday.csv.gz", gz));
  EXPECT_EQ(7, other.exit_code) << other.err;
  EXPECT_THAT(other.err, HasSubstr("--same-content"));
}

TEST_F(PackedLoad, CutOffStoresNoUnfinishedChunkAndGoesOnOnceItIsComplete) {
  const std::string text = csv_to_pack(600'000);
  for (const char* command : commands) {
    const std::string packed = piped(command, text);
    // In the middle, and where all bytes are there and only their end is not.
    for (const std::size_t less : {packed.size() / 3, std::size_t{5}}) {
      SCOPED_TRACE(std::string(command) + " without " + std::to_string(less));
      const std::string path =
          folder_.write("f.csv.packed", packed.substr(0, packed.size() - less));
      const Finished cut = load(path, {"--chunk-size", "16KiB"});
      EXPECT_EQ(1, cut.exit_code) << cut.err;
      EXPECT_THAT(cut.err, AllOf(HasSubstr("f.csv.packed: its "), HasSubstr("ends too early"),
                                 HasSubstr("at packed byte ")));
      const std::int64_t stored = first_rows();
      EXPECT_LT(stored, std::ranges::count(text, '\n'));
      EXPECT_EQ(stored > 0, cut.err.contains(" so far (load ")) << cut.err;
      if (stored > 0) {
        EXPECT_GT(text.size(), db().number("select max(byte_offset + byte_count) from "
                                           "pgsluice.chunks"))
            << "the last chunk is not whole";
      }
      folder_.write("f.csv.packed", packed);
      const Finished whole = load(path, {"--chunk-size", "16KiB"});
      EXPECT_EQ(0, whole.exit_code) << whole.err;
      EXPECT_EQ(stored > 0, whole.err.contains("resuming load"));
      expect_all_of(text);
      db().run("truncate t; drop schema pgsluice cascade");
    }
  }
}

TEST_F(PackedLoad, DamageIsToldAndAtomicStoresNothing) {
  std::string packed = piped("gzip -c", csv_to_pack(600'000));
  packed[packed.size() - 6] ^= 1;  // its checksum
  const std::string path = folder_.write("f.csv.gz", packed);
  const Finished damaged = load(path, {"--chunk-size", "16KiB"});
  EXPECT_EQ(1, damaged.exit_code);
  EXPECT_THAT(damaged.err, AllOf(HasSubstr("f.csv.gz: is damaged: gzip, near packed byte "),
                                 HasSubstr("Rows of it that are stored may be wrong too")));
  EXPECT_GT(rows(), 0);
  db().run("truncate t; drop schema pgsluice cascade");
  EXPECT_EQ(1, load(path, {"--chunk-size", "16KiB", "--atomic"}).exit_code);
  EXPECT_EQ(0, rows());
}

/// The place is that of what is damaged, not of what was read together with it.
TEST_F(PackedLoad, SaysWhereItIsDamaged) {
  const std::string make = "cat > b.csv && tar -cf - b.csv | ";
  for (const char* command : {"gzip -c", "zstd -q -c --check", "xz -0 -c", "bzip2 -c"}) {
    std::string packed = piped(make + command, csv_to_pack(600'000));
    const std::size_t at = packed.size() * 3 / 4;
    packed.replace(at, 40, std::string(40, '\xff'));
    const Finished damaged = load(folder_.write("f.tar.packed", packed));
    EXPECT_EQ(1, damaged.exit_code) << command << damaged.err;
    const std::string_view words = "near packed byte ";
    const std::size_t said = damaged.err.find(words);
    ASSERT_NE(std::string::npos, said) << command << damaged.err;
    const std::size_t place = std::stoul(damaged.err.substr(said + words.size()));
    EXPECT_GT(place, packed.size() / 4) << command;
    EXPECT_LE(place, packed.size()) << command;
  }
}

TEST_F(PackedLoad, WhatIsNoArchiveHasNoMembers) {
  const std::string text = "id,name\n1,a\n";
  const std::string plain = folder_.write("f.csv", text);
  const std::string packed = folder_.write("f.csv.gz", piped("gzip -c", text));
  for (const auto& [path, input] :
       {std::pair(plain, std::string()), std::pair(packed, std::string()),
        std::pair(std::string("-"), plain), std::pair(std::string("-"), packed)}) {
    const Finished refused = load(path, {"--member", "*.csv"}, input);
    EXPECT_EQ(2, refused.exit_code) << path << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("is no archive, and --member names a file of one"));
  }
  const Finished checked = pgsluice({"check", plain, "-t", "t", "-d", url(), "--member", "f.csv"});
  EXPECT_EQ(2, checked.exit_code) << checked.out;
  EXPECT_EQ(0, rows());
}

/// What is said to be stored, and to be the way on, is.
TEST_F(PackedLoad, SaysWhatIsStoredOfWhatIsDamaged) {
  const std::string text = csv_to_pack(600'000);
  const std::string packed = piped("gzip -c", text);
  const std::string small = piped("gzip -c", "id,name\n1,a\n2,b\n");
  const auto damaged = [](std::string bytes) {
    bytes[bytes.size() - 6] ^= 1;
    return bytes;
  };
  struct Case {
    std::string bytes;
    std::vector<std::string> flags;
    std::string says;
    std::string good;
  };
  const std::vector<std::string> one_chunk{"--chunk-size", "8MiB"};
  const Case cases[] = {
      {damaged(small), {}, "This run has stored nothing of it", small},
      {small.substr(0, small.size() - 9), {}, "This run has stored nothing of it", small},
      {damaged(packed), one_chunk, "Nothing of it is stored; with a good copy of the", packed},
      {packed.substr(0, packed.size() - 9), one_chunk, "Nothing of it is stored; once", packed},
      {damaged(packed), {}, "stored may be wrong too. With a good copy of the file the", packed},
      {damaged(packed),
       {"--again"},
       "With a good copy of the file the same command without --again compares them",
       packed},
      {damaged(packed), {"--atomic"}, "may be wrong too, and are not in the table", packed},
      {packed.substr(0, packed.size() - 99), {}, "No record behind its last whole chunk", packed},
      {damaged(packed), {"--no-ledger"}, "Without a ledger nobody knows which records", ""},
      {piped("cat > b.csv && zip -q a.zip b.csv && cat a.zip && echo more", text),
       {},
       "This run has stored nothing of it",
       ""},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.says);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const std::string path = folder_.write("f.csv.gz", each.bytes);
    std::vector<std::string> flags = each.flags;
    if (flags != one_chunk) flags.insert(flags.end(), {"--chunk-size", "16KiB"});
    const Finished failed = load(path, flags);
    EXPECT_EQ(1, failed.exit_code) << failed.err;
    EXPECT_THAT(failed.err, AllOf(HasSubstr(each.says), Not(HasSubstr("--truncate"))));
    if (each.good.empty()) continue;
    folder_.write("f.csv.gz", each.good);
    flags = {"--chunk-size", "16KiB"};
    if (each.flags == std::vector<std::string>{"--atomic"}) flags.push_back("--atomic");
    const Finished good = load(path, flags);
    EXPECT_EQ(0, good.exit_code) << good.err;
    if (each.good == small) {
      EXPECT_EQ(2, first_rows());
    } else {
      expect_all_of(text);
    }
  }
  const std::string path = folder_.write("f.csv.gz", damaged(small));
  const Finished checked = pgsluice({"check", path, "-t", "t", "-d", url()});
  EXPECT_EQ(1, checked.exit_code);
  EXPECT_THAT(checked.err, AllOf(HasSubstr("is damaged"), Not(HasSubstr("stored"))));
  const Finished inspected = pgsluice({"inspect", path});
  EXPECT_THAT(inspected.err, Not(HasSubstr("stored")));
}

/// The checksum is at the end, and a record is bad before that.
TEST_F(PackedLoad, NamesDamageThatMakesARecordBad) {
  // So that the text is in it as it is.
  const std::string script = folder_.write(
      "store.py",
      "import gzip, sys\nsys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read(), 0))\n");
  const std::string good = piped("python3 " + script, csv_to_pack(2'000'000));
  std::string damaged = good;
  damaged[damaged.find("\n9999,") + 2] ^= 0x40;
  const std::string path = folder_.write("f.csv.gz", damaged);
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{}, {"--max-rejects", "0"}}) {
    db().run("truncate t; drop schema if exists pgsluice cascade");
    folder_.write("f.csv.gz", damaged);
    std::vector<std::string> all{"--chunk-size", "16KiB", "-j", "1"};
    all.insert(all.end(), flags.begin(), flags.end());
    const Finished failed = load(path, all);
    EXPECT_EQ(flags.empty() ? 1 : 5, failed.exit_code);
    EXPECT_THAT(failed.err, AllOf(HasSubstr("column \"id\""),
                                  HasSubstr("That may be why: " + path + ": is damaged: gzip"),
                                  HasSubstr("; the same command with a good copy of the file")));
    folder_.write("f.csv.gz", good);
    const Finished whole = load(path, all);
    EXPECT_EQ(0, whole.exit_code) << whole.err;
    EXPECT_THAT(whole.err, HasSubstr("resuming load"));
  }
  // Of a sound one nothing of the kind is said.
  db().run("truncate t; drop schema if exists pgsluice cascade");
  const std::string sound = folder_.write("s.csv.gz", piped("gzip -c", "id,name\n1,a\nx,b\n"));
  EXPECT_THAT(load(sound).err, AllOf(HasSubstr("column \"id\""), Not(HasSubstr("damaged"))));
}

TEST_F(PackedLoad, ServesEveryCommand) {
  const std::string path = folder_.write("f.csv.gz", piped("gzip -c", "id,name\n1,a\nx,b\n3,c\n"));
  const Finished checked = pgsluice({"check", path, "-t", "t", "-d", url()});
  EXPECT_EQ(3, checked.exit_code) << checked.err;
  EXPECT_THAT(checked.out + checked.err, HasSubstr("f.csv.gz:3"));
  const auto memory = [&](const std::string& file) {
    return nlohmann::json::parse(load(file, {"--dry-run", "--output", "json"})
                                     .out)["loads"][0]["plan"]["memory_bytes_max"]
        .get<std::size_t>();
  };
  const std::size_t plain = memory(folder_.write("plain.csv", "id,name\n"));
  EXPECT_GT(memory(path), plain) << "what is small is unpacked into memory";
  const std::string large = piped("gzip -c", csv_to_pack(3'000'000));
  EXPECT_GT(memory(folder_.write("large.csv.gz", large)), plain + 2'000'000);
  EXPECT_EQ(0, load(path, {"--limit", "1"}).exit_code);
  EXPECT_EQ(1, first_rows());
  const Finished rejected = load(path, {"--max-rejects", "5", "--again", "--truncate"});
  EXPECT_EQ(3, rejected.exit_code) << rejected.err;
  EXPECT_EQ("id,name\nx,b\n", read_file(folder_ / "f.rejects.csv"));
  db().run("truncate t");
  const std::string done = folder_ / "done";
  EXPECT_EQ(3, load(path, {"--max-rejects", "5", "--after", "move:" + done}).exit_code);
  EXPECT_TRUE(fs::exists(done + "/f.csv.gz"));
}

TEST_F(PackedLoad, WhoseLastRecordHasNoLineEndIsNoted) {
  for (const std::size_t bytes : {100U, 3'000'000U}) {
    std::string text = csv_to_pack(bytes);
    for (const bool is_open : {false, true}) {
      if (is_open) text += "99999999,cut off";
      for (const char* command :
           {"gzip -c", "xz -0 -c", "cat > b.csv && zip -q a.zip b.csv && cat a.zip"}) {
        SCOPED_TRACE(std::to_string(bytes) + " in " + command + (is_open ? ", open" : ""));
        db().run("truncate t");
        const Finished loaded = load(folder_.write("f.packed", piped(command, text)),
                                     {"--again", "--chunk-size", "64KiB"});
        EXPECT_EQ(0, loaded.exit_code) << loaded.err;
        EXPECT_EQ(is_open, loaded.err.contains("has no line end")) << loaded.err;
      }
    }
  }
}

TEST_F(PackedLoad, KeepsItsLimits) {
  const std::string text = csv_to_pack(3'000'000);
  const std::string path = folder_.write("f.csv.gz", piped("gzip -c", text));
  const Finished large = load(path, {"--max-bytes", "2MB", "--chunk-size", "16KiB"});
  EXPECT_EQ(1, large.exit_code);
  EXPECT_THAT(large.err, HasSubstr("unpacks to more than 1.9 MiB (see --max-bytes)"));
  EXPECT_THAT(large.err, HasSubstr("; the same command with a larger --max-bytes goes on"));
  EXPECT_EQ(0, load(path, {"--chunk-size", "16KiB"}).exit_code) << "the same command without it";
  expect_all_of(text);
  const std::string wide =
      folder_.write("w.csv.zst", piped("zstd -q -c --long=27 -19", csv_to_pack(3'000'000)));
  const Finished refused = load(wide, {"--decode-memory", "16MiB"});
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("it takes 128 MiB of memory to unpack, and 16 MiB are allowed "
                                     "(see --decode-memory)"));
}

TEST_F(PackedLoad, TellsItsWayInPackedBytes) {
  const std::string text = csv_to_pack(3'000'000);
  const std::string packed = piped("gzip -c", text);
  const Finished loaded = pgsluice(
      {"load", folder_.write("f.csv.gz", packed), "-t", "t", "-d", url(), "--progress", "json"});
  ASSERT_EQ(0, loaded.exit_code) << loaded.err;
  const std::string line = loaded.err.substr(loaded.err.rfind('{'));
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(packed.size(), json["packed_bytes_total"]);
  EXPECT_EQ(packed.size(), json["packed_bytes_done"]);
  EXPECT_EQ(text.size(), json["bytes_done"]);
  EXPECT_FALSE(json.contains("bytes_total"));
}

/// Whatever a bomb is of and packed with: memory is flat, and it ends, at its limit or its end. A
/// line that never ends is a record that is too long.
TEST_F(PackedLoad, EndsAnyBombInLittleMemory) {
  const struct {
    const char* what;
    const char* bytes;
    const char* says;
    const char* says_unlimited;
  } kinds[] = {{"zeros", "head -c 150M /dev/zero", "unpacks to more than", "--max-record-bytes"},
               {"line ends", "(echo id,name; yes \"\" | head -c 150M; true)",
                "unpacks to more than", "checked"},
               {"one line", "(echo id,name; yes | tr -d \"\\n\" | head -c 150M; true)",
                "unpacks to more than", "--max-record-bytes"}};
  Sample sample(5);
  for (const char* command : {"gzip -1 -c", "zstd -q -c", "xz -0 -c -T2", "zip -1 -q - -"}) {
    for (const auto& kind : kinds) {
      if (!sample.takes()) continue;
      SCOPED_TRACE(std::string(kind.what) + " in " + command);
      const std::string path =
          folder_.write("bomb", piped(std::string(kind.bytes) + " | " + command, ""));
      ASSERT_LT(fs::file_size(path), 5'000'000U);
      for (const bool is_limited : {true, false}) {
        std::vector<std::string> all{"check",         path,  "-t", "t", "-d", url(),
                                     "--blank-lines", "skip"};
        if (is_limited) all.insert(all.end(), {"--max-bytes", "20MB"});
        const Finished checked = pgsluice(all);
        EXPECT_THAT(checked.out + checked.err,
                    HasSubstr(is_limited ? kind.says : kind.says_unlimited));
        // A record may have 64 MiB, and a part of that is on its way twice.
        EXPECT_LT(checked.rss_kib_max, (kind.what == std::string("line ends") ? 130 : 256) * 1024);
      }
    }
  }
}

/// 300 MB of lines in less than 1.5 MB.
TEST_F(PackedLoad, TakesNoMoreMemoryForABomb) {
  const std::string path = folder_.write(
      "f.csv.gz", piped("line=$(head -c 100000 /dev/zero | tr \"\\0\" a); (echo id,name; yes "
                        "\"1,$line\" | head -n 3000; true) | gzip -c",
                        ""));
  ASSERT_LT(fs::file_size(path), 1'500'000U);
  const Finished checked = pgsluice({"check", path, "-t", "t", "-d", url()});
  EXPECT_EQ(0, checked.exit_code) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("checked 3,000 records"));
  EXPECT_LT(checked.rss_kib_max, 120 * 1024);
}

TEST_F(PackedLoad, MembersOfAnArchiveAreLoadsOfTheirOwn) {
  const std::string path = folder_.write(
      "a.zip", piped("cat > b.csv && echo id > c.csv && echo 7 >> c.csv && echo x >> c.csv && "
                     "mkdir d && cp c.csv d/e.dat && zip -q -r a.zip b.csv c.csv d && cat a.zip",
                     "id,name\n1,a\n2,b\n"));
  const Finished which = load(path);
  EXPECT_EQ(2, which.exit_code);
  EXPECT_THAT(which.err, AllOf(HasSubstr("a.zip: has 3 files; say which ones: --member"),
                               HasSubstr("\n  b.csv\n  c.csv\n  d/e.dat")));
  const std::string done = folder_ / "done";
  const Finished both = load(path, {"--member", "*.csv", "--max-rejects", "5"});
  EXPECT_EQ(3, both.exit_code) << both.err;
  EXPECT_THAT(both.out,
              AllOf(HasSubstr("a.zip!b.csv"), HasSubstr("a.zip!c.csv"), HasSubstr("2 of 2 files")));
  EXPECT_EQ("1 2 7", db().value("select string_agg(id::text, ' ' order by id) from t"));
  EXPECT_EQ("id\nx\n", read_file(folder_ / "a.c.rejects.csv"));
  const std::string moved = done + "/a.zip";
  const std::vector<std::string> all{
      "--member", "*", "--max-rejects", "5", "--after", "move:" + done, "--same-content", "skip"};
  EXPECT_EQ(0, load(path, all).exit_code);
  ASSERT_TRUE(fs::exists(moved));
  const Finished again = load(moved, {"--member", "*.csv", "--max-rejects", "5"});
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ(3, rows());
  EXPECT_EQ(0, load(moved, {"--member", "d/e.dat", "--max-rejects", "5", "--same-content", "skip"})
                   .exit_code);
  EXPECT_EQ(3, rows());
  const Finished checked = pgsluice({"check", moved, "-t", "t", "-d", url(), "--member", "c.csv"});
  EXPECT_EQ(3, checked.exit_code);
  EXPECT_THAT(checked.out, HasSubstr("a.zip!c.csv:3"));
}

TEST_F(PackedLoad, AnArchiveMayComeFromAStreamIfItIsATarOfOneFile) {
  const std::string one =
      folder_.write("one", piped("cat > b.csv && tar -czf - b.csv", "id,name\n1,a\n2,b\n"));
  EXPECT_EQ(0, load("-", {}, one).exit_code);
  EXPECT_EQ(2, first_rows());
  const std::string two = folder_.write(
      "two",
      piped("cat > b.csv && echo id > c.csv && tar -cf - b.csv c.csv", "id,name\n3,a\n4,b\n"));
  const Finished refused = load("-", {}, two);
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("stdin: has 2 files; say which ones: --member"));
  EXPECT_EQ(2, first_rows());
  const std::string zip =
      folder_.write("z", piped("cat > b.csv && zip -q a.zip b.csv && cat a.zip", "id\n3\n"));
  EXPECT_THAT(load("-", {}, zip).err, HasSubstr("cannot be read while it comes"));
  const std::string sheet = folder_.write(
      "s",
      piped("mkdir _rels xl; cat > xl/a.xml; cp xl/a.xml _rels; zip -qr a.zip _rels xl; cat a.zip",
            "<a/>"));
  EXPECT_THAT(load("-", {}, sheet).err, HasSubstr("stdin: is a spreadsheet (xlsx)"));
}

/// One question serves the members of an archive, as it does many files.
TEST_F(PackedLoad, ManyMembersAreKnownAtOnce) {
  const std::string make =
      "for i in $(seq 1 150); do (echo id,name; echo $i,x) > $i.csv; done; cat > 0.txt; ";
  const std::vector<std::string> flags{"--member", "*.csv"};
  const auto transactions = [this] {
    EXPECT_TRUE(no_session_left());
    return Session(url()).number(
        "select xact_commit + xact_rollback from pg_stat_database where datname = "
        "current_database()");
  };
  for (const char* command : {"zip -q a.zip *.csv && cat a.zip", "tar -c *.csv", "tar -cz *.csv"}) {
    SCOPED_TRACE(command);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const std::string path = folder_.write("a", piped(make + command, ""));
    const Finished first = load(path, flags);
    ASSERT_EQ(0, first.exit_code) << first.err;
    EXPECT_EQ(150, first_rows());
    std::int64_t so_far = transactions();
    const Finished again = load(path, flags);
    EXPECT_EQ(0, again.exit_code) << again.err;
    EXPECT_EQ(150, first_rows());
    EXPECT_THAT(again.out, HasSubstr("150 of 150 files"));
    EXPECT_LT(transactions() - so_far, 20) << "they were asked for one by one";
    // What is not known is loaded, in the order of the members.
    db().run("delete from t where id in (7, 60, 150)");
    db().run("update pgsluice.loads set state = 'void' where source_path ~ '!(7|60|150)[.]csv$'");
    so_far = transactions();
    EXPECT_EQ(0, load(path, flags).exit_code);
    EXPECT_EQ(150, first_rows());
    EXPECT_LT(transactions() - so_far, 70);
    // The same members in another archive are not known by its stamp.
    const std::string copy = folder_.write("b", read_file(path));
    EXPECT_EQ(7, load(copy, flags).exit_code);
    EXPECT_EQ(150, first_rows());
    // With other options they are not what was loaded.
    EXPECT_NE(0, load(path, {"--member", "*.csv", "--null", "x"}).exit_code);
    EXPECT_EQ(150, first_rows());
    // Nor where the table is empty.
    db().run("truncate t");
    EXPECT_EQ(0, load(path, flags).exit_code);
    EXPECT_EQ(150, first_rows());
  }
}

/// What is said to go on with a load that could not be read on does.
TEST_F(PackedLoad, SaysWhatGoesOnWithIt) {
  const std::string text = csv_to_pack(600'000);
  const std::string packed = piped("gzip -c", text);
  std::string damaged = packed;
  damaged[packed.size() - 6] ^= 1;
  const std::string two = piped("cat > b.csv && echo id > c.csv && tar -c b.csv c.csv", text);
  const std::string wide = piped(
      "cat > b.csv && (head -c 300000 b.csv | gzip -c -n; tail -c +300001 b.csv | gzip -c -n)",
      text);
  struct Case {
    std::string bytes;
    std::vector<std::string> flags;
    std::string says;
    std::string whole;
    std::vector<std::string> whole_flags;
  };
  const Case cases[] = {
      {packed.substr(0, packed.size() - 5), {}, "with the whole file", packed, {}},
      {damaged, {}, "with a good copy of the file, if that has what is stored,", packed, {}},
      {packed, {"--max-bytes", "500KB"}, "with a larger --max-bytes", packed, {}},
      {packed,
       {"--again", "--max-bytes", "500KB"},
       "without --again with a larger --max-bytes",
       packed,
       {}},
      {two.substr(0, 300'000),
       {"--member", "b.csv"},
       "with the whole file",
       two,
       {"--member", "b.csv"}},
      {two, {}, "with --member", two, {"--member", "b.csv"}},
      {wide.substr(0, wide.size() / 2 + 99), {}, "with the whole file", wide, {}},
  };
  for (const Case& each : cases) {
    for (const bool is_stream : {false, true}) {
      SCOPED_TRACE(each.says + (is_stream ? ", a stream" : ", a file"));
      if (!is_stream && each.says == "with --member") continue;  // a file says so at once
      db().run("truncate t; drop schema if exists pgsluice cascade");
      const std::string path = folder_.write("f", each.bytes);
      std::vector<std::string> flags = each.flags;
      flags.insert(flags.end(), {"--chunk-size", "16KiB"});
      const Finished stopped = load(is_stream ? "-" : path, flags, is_stream ? path : "");
      EXPECT_NE(0, stopped.exit_code);
      if (rows() == 0) continue;
      EXPECT_THAT(stopped.err,
                  HasSubstr("; the same command " + each.says + " goes on where it stopped"));
      EXPECT_THAT(stopped.err, Not(HasSubstr("the same command goes on where")));
      folder_.write("f", each.whole);
      flags = each.whole_flags;
      flags.insert(flags.end(), {"--chunk-size", "16KiB"});
      const Finished whole = load(is_stream ? "-" : path, flags, is_stream ? path : "");
      EXPECT_EQ(0, whole.exit_code) << whole.err;
      EXPECT_THAT(whole.err, HasSubstr("resuming load"));
      expect_all_of(text);
    }
  }
}

}  // namespace
}  // namespace sluice::test
