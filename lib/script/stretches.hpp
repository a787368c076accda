#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "script/frame.hpp"
#include "script/placeholders.hpp"
#include "script/script_file.hpp"
#include "script/text_limits.hpp"
#include "script/units.hpp"

namespace sluice::script {

/// A part of a script that can be sent at once: whole units, and what stands around them.
struct Stretch {
  std::string sql;          ///< with the placeholders' values
  std::vector<Unit> units;  ///< of it, with their places in the file
  Place begin;
  std::size_t units_before = 0;
  bool is_first = false;
  bool is_last = false;
  /// As it stands in the file: values of placeholders are nobody's business. Empty: as `sql` is.
  std::string written;
  std::vector<Unit> written_units;
  WrittenPlaces places = WrittenPlaces();  ///< of what is sent
  /// Its last unit is a COPY FROM STDIN, whose data is to be had from Stretches::data().
  bool has_data = false;

  std::string_view unit(std::size_t index) const;
  /// The same as it is written; where units are other ones there, nothing.
  std::optional<std::string_view> written_unit(std::size_t index) const;
  /// Where in the file this byte of `sql` stands.
  Place place_of(std::size_t offset) const;
};

/// Reads a script from its beginning, in stretches: one, if its text is kept; otherwise the file is
/// read again, and never more of it is in memory than a stretch and what its longest statement
/// takes. What judge() refuses is refused here, when it comes, and so is a statement that is longer
/// than limits::script_statement_bytes_max.
class Stretches {
 public:
  /// Of the file as it is written.
  explicit Stretches(const Script& script);
  /// Throws Failure{usage} for a placeholder without a value. A file is read in parts of so
  /// much (at least 3: a byte-order mark).
  Stretches(const Script& script, const Placeholders& values,
            std::size_t part_bytes = limits::script_part_bytes);

  /// Nothing behind the last one; there is at least one. Data that nobody has taken is passed over.
  /// Throws Failure{usage}.
  std::optional<Stretch> next();
  /// Some lines of the data behind the stretch, valid until the next call; empty: that was all.
  /// Throws Failure{usage} where it has no end.
  std::string_view data();

  /// Behind the last one: the text is what the script was when it was read first.
  bool is_as_it_was() const;

 private:
  PartOf part() const;
  std::optional<Stretch> take();
  void fill();
  void grow();
  std::size_t end_of_data_line(std::size_t begin);

  const Script& script_;
  const std::optional<Substitution> substitution_;  ///< nothing: the text is not to be judged
  const std::size_t part_bytes_ = limits::script_part_bytes;
  std::unique_ptr<ScriptFile> file_;  ///< where the text is not kept
  std::string window_;                ///< what is read, and not taken yet
  Frame frame_;                       ///< of the text as it is sent
  Frame written_frame_;               ///< of the text as it is written, where that is another one
  bool is_read_ = false;              ///< to the end of the file
  bool is_over_ = false;
  bool in_data_ = false;
  Place copy_;        ///< whose data it is
  std::string data_;  ///< what was given out last
  Place at_;
  std::size_t units_before_ = 0;
  bool is_first_ = true;
};

/// Throws Failure{changed} where it is not, with what that means.
void require_as_it_was(const Script& script, const Stretches& stretches, const std::string& means);

/// How many units it has. Throws Failure{usage} for what is wrong in it, and
/// Failure{changed} where it is another text than it was.
std::size_t checked_units(const Script& script, const Placeholders& values);

/// Of the first so many units as they are written; nothing where there are less.
std::optional<std::string> checksum_of_units(const Script& script, std::size_t count);

}  // namespace sluice::script
