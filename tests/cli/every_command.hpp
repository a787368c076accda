#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {

/// What the commands of every_command() load into.
inline constexpr const char* tables_of_every_command = R"(
      create table public.t (id int, v text, at timestamptz);
      create table public.k (id int primary key, v text, at timestamptz); create index on public.k (v);
      create table public.p (id int, v text, at timestamptz, primary key (id)) partition by range (id);
      create table public.p1 partition of public.p for values from (0) to (200);
      create table public.p2 partition of public.p default;
      create unlogged table public.u (id int, v text, at timestamptz);
      create view public.w as select * from public.t;
      create table public.c (id int primary key, v text check (v <> 'text of 7') , at timestamptz))";

/// A command for each way of working with a database, in an order in which they end well (0 or 3),
/// with the files that they need. 400 records each, in chunks of 1 KiB where there shall be
/// several.
inline std::vector<std::vector<std::string>> every_command(const TemporaryFolder& folder) {
  std::string csv = "id,v,at\n";
  for (int i = 0; i < 400; ++i)
    csv += std::to_string(i) + ",text of " + std::to_string(i) + ",2026-01-01 12:00\n";
  const std::string in = folder.write("in.csv", csv);
  const std::string same = folder.write("same.csv", csv);
  const std::string bad =
      folder.write("bad.csv", "id,v,at\n1,a,2026-01-01\nx,b,now\n3,c,today\n5,b,infinity\n");
  std::filesystem::create_directory(folder / "m");
  folder.write("m/001_a.sql", "create table public.made (a int)");
  folder.write("m/002_b.sql",
               "-- pgsluice: no-transaction\ncreate index concurrently i on public.made (a)");
  folder.write("m/R__c.sql", "create or replace view public.of_made as select a from public.made");
  folder.write("job.sql", "insert into public.made values (1)");
  const std::string jobs = folder.write(
      "pgsluice.toml",
      "[[job]]\nname = \"j\"\ncron = \"* * * * *\"\nsql = \"job.sql\"\n[[job]]\nname = "
      "\"l\"\ncron = \"* * * * *\"\nload = [\"in.csv\"]\ntable = \"public.u\"\n");
  std::filesystem::create_directory(folder / "small");
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    folder.write("small/" + number + ".csv", "id,v,at\n" + number + ",of a small file,now\n");
  }
  return {{"load", folder / "small", "-t", "t"},
          {"load", folder / "small", "-t", "t"},
          {"load", in, "-t", "t"},
          {"load", in, "-t", "t"},
          {"load", same, "-t", "t", "--same-content", "load"},
          {"load", in, "-t", "t", "--again", "--chunk-size", "1KiB"},
          {"load", in, "-t", "t", "--again", "--truncate", "--chunk-size", "1KiB"},
          {"load", in, "-t", "t", "--again", "--no-ledger"},
          {"load", in, "-t", "t", "--again", "--writer", "insert", "--chunk-size", "1KiB"},
          {"load", in, "-t", "t", "--again", "--truncate", "--atomic"},
          {"load", in, "-t", "u", "--chunk-size", "1KiB"},
          {"load", in, "-t", "w"},
          {"load", in, "-t", "k", "--on-conflict", "update", "--chunk-size", "1KiB"},
          {"load", in, "-t", "k", "--on-conflict", "update", "--update-if-changed", "--again"},
          {"load", in, "-t", "k", "--on-conflict", "update", "--update-columns", "v", "--dedupe",
           "last", "--again"},
          {"load", in, "-t", "k", "--on-conflict", "nothing", "--again", "--atomic"},
          {"load", in, "-t", "k", "--truncate", "--again", "--defer-indexes"},
          {"load", in, "-t", "p", "--on-conflict", "update", "--chunk-size", "1KiB"},
          {"load", in, "-t", "p", "--on-conflict", "update", "--update-if-changed", "--again"},
          {"load", in, "-t", "c", "--max-rejects", "5", "--chunk-size", "1KiB"},
          {"load", in, "-t", "c", "--max-rejects", "5", "--chunk-size", "1KiB", "--rejects-table",
           "--again", "--truncate"},
          {"load", bad, "-t", "c", "--max-rejects", "5", "--atomic", "--truncate"},
          {"load", bad, "-t", "c", "--max-rejects", "9", "--on-conflict", "update", "--again"},
          {"load", bad, "-t", "t", "--max-rejects", "5"},
          {"load", in, "-t", "t", "--dry-run"},
          {"load", in, "-t", "t", "--again", "--on-drift", "note"},
          {"check", in, "-t", "t"},
          {"loads"},
          {"loads", "show", "1"},
          {"loads", "rejects", "1"},
          {"loads", "restore", "1"},
          {"migrate", "plan", "--dir", folder / "m"},
          {"migrate", "up", "--dir", folder / "m"},
          {"migrate", "repair", "--dir", folder / "m", "--accept", "1"},
          {"migrate", "status", "--dir", folder / "m"},
          {"schedule", "run", "--once", "--config", jobs},
          {"schedule", "history"}};
}

/// Runs them one after the other, in an environment, and `look` behind each.
inline void run_every_command(const TemporaryFolder& folder, const std::string& url,
                              const Process::Options& options, const std::function<void()>& look) {
  for (std::vector<std::string> command : every_command(folder)) {
    std::string words;
    for (const std::string& word : command) words += word + " ";
    SCOPED_TRACE(words);
    if (command.front() == "migrate" && command.at(1) == "repair")
      folder.write("m/001_a.sql", "create table public.made (a bigint)");
    command.insert(command.end(), {"-d", url});
    const Finished finished = pgsluice(command, options);
    EXPECT_TRUE(finished.exit_code == 0 || finished.exit_code == 3)
        << finished.exit_code << ": " << finished.err;
    look();
  }
}

}  // namespace sluice::test
