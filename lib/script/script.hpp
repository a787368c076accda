#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "script/directives.hpp"
#include "script/script_name.hpp"
#include "script/ways.hpp"

namespace sluice::script {

/// What runs of one SQL file: all of it, or the lines that go one way.
struct Script {
  std::string path;  ///< as a person would open it
  std::string file;  ///< its last part: "V7__add_users.sql", as the history has it (path_text)
  ScriptName name;
  Way way = Way::forth;        ///< which of its lines
  Style style = Style::plain;  ///< what tells them from others
  std::string back_path;       ///< where its way back stands: a file, or this one; empty: nowhere
  bool is_kept = true;   ///< its text is in `text`; otherwise it is read from the file (Stretches)
  std::string text;      ///< without a byte-order mark, and with LF for each CRLF
  std::string checksum;  ///< SHA-256 of that text, without empty lines that stand for others
  Directives directives;
};

/// "sql/migrations/V7__add_users.sql:3:12", the form that editors and compilers share.
std::string at(const Script& script, Place place);

/// The migrations of a folder.
struct Folder {
  std::vector<Script> versioned;   ///< in the order of their versions
  std::vector<Script> repeatable;  ///< in the order of their names
  std::vector<Script> scheduled;   ///< in the order of their names
  std::vector<Script> before;      ///< what runs in front of them with each run: one, or none
  std::vector<Script> after;       ///< ... and behind them
  std::vector<std::string> notes;  ///< what was left out, and why
};

/// Makes a migration of a file's bytes. Throws Failure{usage} for a name or a directive that says
/// nothing known, and for what cannot be SQL.
Script make_script(const std::string& path, std::string_view bytes);

/// Reads one file by itself, whatever its name. A long one is read, and not kept. Throws
/// Failure{usage} as make_script() does, and where it cannot be read.
Script read_script(const std::string& path);

/// The way back of a script that has one, under its version. Throws as read_script() does.
Script read_way_back(const Script& script);

/// Reads all of a folder, not of those inside it. Throws Failure{usage} with everything that is
/// wrong in it: names, directives, two files of one version.
Folder read_folder(const std::string& path);

}  // namespace sluice::script
