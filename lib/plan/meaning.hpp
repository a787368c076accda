#pragma once

#include <optional>
#include <string>

#include "chunk/preamble.hpp"
#include "plan/options.hpp"
#include "plan/strategy.hpp"
#include "tuple/encoder.hpp"

namespace sluice::plan {

/// What decides which rows come out of the same bytes, as a JSON object: by what the options mean
/// for this source and this table, not by how they were spelt. Two runs with equal ones store the
/// same. `fed_table` is what the mapping leads to: the target's table, or the file's columns.
std::string meaning_of(const RowOptions& options, const chunk::Preamble& preamble,
                       const tuple::Mapping& mapping, const tuple::EncoderPlan& encoder,
                       const writer::Target& target, const tuple::Table& fed_table,
                       const Strategy& strategy);

/// Such an object with what the words of --add stand for, which decides no likeness; and them,
/// where it has them.
std::string with_words(const std::string& meaning, const tuple::LoadWords& words);
std::optional<tuple::LoadWords> words_of(const std::string& meaning);

/// The same of a load that makes its table, with what --create is to know of it later. That decides
/// no likeness.
std::string with_mark(const std::string& meaning, const std::string& mark);
/// The key under which it stands.
inline constexpr const char* mark_key = "create";

/// The names of the source's columns, by its header or by --columns; nullptr where nothing says
/// them.
const std::vector<std::string>* source_names(const RowOptions& options,
                                             const chunk::Preamble& preamble);
/// The key under which those stand that go nowhere, which decide no likeness.
inline constexpr const char* left_out_key = "left-out";

/// Where the data begin, as such an object says; and the object with another place.
std::optional<Position> beginning_of(const std::string& meaning);
std::string with_beginning(const std::string& meaning, const Position& place);

/// The same of a load that empties its table when it begins: such a one is not gone on with where
/// that has not been done.
std::string with_truncation(const std::string& meaning);

/// A name for an encoding that its other spellings have too: utf-8, UTF8 and unicode are utf8.
std::string canonical_encoding(const std::string& name);

/// Whether a setting of the session can change a row: not how it is logged, waited for or
/// committed.
bool decides_rows(const std::string& setting);

}  // namespace sluice::plan
