#include "support/old_ledger.hpp"

#include <filesystem>

#include "base/identifier.hpp"
#include "script/script.hpp"
#include "support/files.hpp"

namespace sluice::test {

void make_old_ledger(Session& db) {
  constexpr std::size_t old_files = 7;
  const std::string folder = std::string(PGSLUICE_SOURCE_DIR) + "/sql/ledger/";
  db.run("create schema pgsluice");
  db.run(read_file(folder + "history.sql"));
  const std::vector<std::string> files = ledger_files();
  for (std::size_t i = 0; i < old_files; ++i) {
    const std::string text = read_file(files.at(i));
    db.run(text);
    store_old_migration(db, "pgsluice", std::filesystem::path(files[i]).filename(), text);
  }
}

void store_old_migration(Session& db, const std::string& project, const std::string& file,
                         const std::string& text) {
  const script::Script script = script::make_script(file, text);
  const bool versioned = script.name.kind == script::ScriptKind::versioned;
  db.run(
      "insert into pgsluice.migrations (project, version, file, checksum, state, runner, "
      "finished_at) values (" +
      quote_literal(project) + ", " + (versioned ? script.name.version.text() : "null") + ", " +
      quote_literal(file) + ", " + quote_literal(script.checksum) +
      ", 'applied', 'old host, process 1', now())");
}

}  // namespace sluice::test
