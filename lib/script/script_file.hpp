#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "script/checksum.hpp"
#include "script/ways.hpp"

namespace sluice::script {

/// Makes the text of a script of bytes that come in parts: without a byte-order mark, with LF for
/// each CRLF, and only what goes the way that is meant. Throws Failure{usage} for what cannot be
/// SQL: UTF-16, a byte 0.
class ScriptText {
 public:
  explicit ScriptText(const std::string& path, Way way = Way::forth)
      : path_(path), ways_(path, way) {}

  /// Appends what is new to `text`. The first part holds a byte-order mark whole, if there is one.
  void add(std::string_view bytes, std::string& text);
  /// Behind the last part.
  void end(std::string& text);
  /// SHA-256 of the text so far, without the empty lines that stand for others.
  std::string checksum() const { return hash_.digest(); }
  const Ways& ways() const { return ways_; }

 private:
  void take(std::string_view part, std::string& text);

  std::string path_;
  Ways ways_;
  Sha256 hash_;
  std::uint64_t lines_ = 0;  ///< that have ended
  bool is_first_ = true;
  bool holds_carriage_return_ = false;  ///< which may be one of CRLF
};

/// Reads a file's text from its beginning, in parts.
class ScriptFile {
 public:
  /// Throws Failure{usage} where it cannot be read, or is no file.
  explicit ScriptFile(const std::string& path, Way way = Way::forth);

  /// Appends some more of about so many bytes; false: that was the end. Throws as ScriptText does.
  bool read(std::string& text, std::size_t bytes);
  /// SHA-256 of what was read.
  std::string checksum() const { return text_.checksum(); }
  const Ways& ways() const { return text_.ways(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  ScriptText text_;
};

}  // namespace sluice::script
