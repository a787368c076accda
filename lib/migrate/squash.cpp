#include "migrate/squash.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "migrate/built.hpp"
#include "migrate/session.hpp"
#include "script/schema_file.hpp"

namespace sluice::migrate {
namespace {

constexpr const char* squashing = "squash: ";

void require_plain(const script::Script& script) {
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  if (std::ranges::any_of(script.file, is_control)) {
    throw Failure(FailureKind::usage, script.path +
                                          ": its name is not one line, so that no line "
                                          "of a squashed file can tell it");
  }
  if (script.directives.placeholders.empty() && script.directives.variables.empty()) return;
  throw Failure(FailureKind::usage,
                script.path +
                    ": takes values (placeholders), which would be those of one place for "
                    "ever in a squashed file");
}

script::Folder files_up_to(const script::Folder& folder, const script::Version& to) {
  script::Folder files;
  files.before = folder.before;
  files.after = folder.after;
  for (const script::Script& script : folder.versioned) {
    if (script.name.version > to) break;
    require_plain(script);
    files.versioned.push_back(script);
  }
  if (files.versioned.empty() || files.versioned.back().name.version != to)
    throw Failure(FailureKind::usage, "--to " + to.text() + ": the folder has no such version");
  if (files.versioned.size() == 1) {
    throw Failure(FailureKind::usage, "--to " + to.text() + ": up to it there is one file alone, " +
                                          files.versioned.front().path + ": nothing to squash");
  }
  return files;
}

/// "V7__" of V7__add_users.sql: what stands around its words.
std::string file_name_like(const script::Script& last) {
  std::string stem = last.file.substr(0, last.file.size() - std::string(".sql").size());
  if (stem.ends_with(".up")) stem.resize(stem.size() - 3);
  const std::string name = stem.substr(0, stem.size() - last.name.name.size()) + "squashed";
  return name + (name == stem ? "_again.sql" : ".sql");
}

std::string header(const script::Folder& files) {
  std::string text =
      "-- Stands for these files (pgsluice migrate squash): a database that has them goes on "
      "behind "
      "it, one that has none begins here.\n";
  const auto add = [&text](bool stands_for_others, const std::string& checksum,
                           const std::string& file) {
    text += std::string("-- pgsluice: ") + (stands_for_others ? "replaces-all-to " : "replaces ") +
            checksum + " " + file + "\n";
  };
  for (const script::Script& script : files.versioned) {
    for (const script::Replaced& one : script.directives.replaces)
      add(one.stands_for_others, one.checksum, one.file);
    add(!script.directives.replaces.empty(), script.checksum, script.file);
  }
  return text + "\n";
}

/// pg_dump makes them by calls of functions between BEGIN and COMMIT, which no file of one
/// transaction can hold.
void require_no_large_objects(Session& session) {
  const std::string some = session.value(
      sql("select coalesce(pg_catalog.string_agg(o.oid::text, ', '), '') from (select m.oid from "
          "pg_catalog.pg_largeobject_metadata m order by m.oid limit 10) o"));
  if (some.empty()) return;
  throw Failure(FailureKind::usage,
                std::string(squashing) +
                    "the files make large objects, which a squashed file "
                    "cannot: " +
                    some,
                "Squash up to a version before the file that calls lo_create, lo_from_bytea or "
                "lo_import.");
}

std::string dump_of(const script::Folder& files, DumpProgram dump, const Options& options,
                    const Listener& listener, const Stop& stop) {
  std::string text;
  const BuildPlace place{.who = squashing,
                         .advice = "-d may lead to any server where you may, as to a container.",
                         .advice_beyond =
                             "No file made from a database has that in it. Squash up to a version "
                             "before it, or take that statement to where databases and roles are "
                             "made, and say with pgsluice migrate repair --accept that the file "
                             "was changed.",
                         .is_alone = false,
                         .search_path = {},
                         .schema = {}};
  with_place_to_build(place, files, options, listener, stop, [&](const Options& there) {
    build(files, there, squashing, listener, stop);
    Session session(there.conninfo, stop, there.stall_max);
    require_no_large_objects(session);
    const script::Rows rows = session.query(
        sql("select pg_catalog.current_database(), pg_catalog.quote_ident(current_user)"));
    const DumpWish wish{
        .arguments = {"--dbname=" + rows.front()[0], "--no-subscriptions", "--no-tablespaces",
                      "--encoding=UTF8", "--exclude-schema=pgsluice"},
        .who = squashing};
    text = script::trimmed_dump(dumped(dump, wish, there, stop), {.owner = rows.front()[1]});
  });
  return text;
}

/// What before.sql makes is in the squashed file too, in front of which it runs.
std::string dump_of_squashed(const script::Folder& files, const DumpProgram& dump,
                             const Options& options, const Listener& listener, const Stop& stop) {
  try {
    return dump_of(files, dump, options, listener, stop);
  } catch (const Failure& failure) {
    if (files.before.empty() || failure.kind() == FailureKind::interrupted) throw;
    throw Failure(failure.kind(), failure.problem(),
                  "What " + files.before.front().path +
                      " makes is in the squashed file too, in front of which it runs. Where the "
                      "files do not need it, move it elsewhere while you squash; otherwise let a "
                      "migration make that.");
  }
}

void require_same(const std::string& one, const std::string& other) {
  if (one == other) return;
  const auto [at, other_at] = std::ranges::mismatch(one, other);
  const auto line_at = [](const std::string& text, std::size_t where) {
    const std::size_t begin = where == 0 ? 0 : text.rfind('\n', where - 1) + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  const auto where = static_cast<std::size_t>(at - one.begin());
  throw Failure(FailureKind::failed,
                std::string(squashing) + "the squashed file does not make what its files make: \"" +
                    line_at(one, where) + "\" becomes \"" + line_at(other, where) + "\"",
                "Nothing is written. What pg_dump cannot tell, no file can stand for.");
}

}  // namespace

Squash squash(const script::Folder& folder, const script::Version& to, const DumpProgram& dump,
              const Options& options, const Listener& listener, const Stop& stop) {
  const script::Folder files = files_up_to(folder, to);
  const script::Script& last = files.versioned.back();
  const std::string made = dump_of(files, dump, options, listener, stop);
  Squash squashed;
  squashed.path = last.path.substr(0, last.path.rfind('/') + 1) + file_name_like(last);
  squashed.text = header(files) + made;
  script::Folder alone = files;
  alone.versioned.clear();
  alone.versioned.push_back(script::make_script(squashed.path, squashed.text));
  require_same(made, dump_of_squashed(alone, dump, options, listener, stop));
  for (const script::Script& script : files.versioned) {
    squashed.replaced.push_back(script.path);
    if (!script.back_path.empty() && script.back_path != script.path)
      squashed.replaced.push_back(script.back_path);
  }
  return squashed;
}

}  // namespace sluice::migrate
