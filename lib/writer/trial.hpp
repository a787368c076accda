#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tuple/tuple_range.hpp"
#include "writer/key_judges.hpp"
#include "writer/merge_writer.hpp"
#include "writer/writer.hpp"

namespace sluice::writer {

/// What a table will refuse of a chunk, found out in a transaction that is taken back. One query or
/// one block on the server for many records, where COPY would be sent again for each.
///
/// REQUIRES: what becomes of a record depends on the rows in the table and on the chunk alone, and
/// not on which others come by the same statement.
class Trial {
 public:
  /// `columns` are those that are fed, `judges` what its keys say; `is_part`: of a transaction that
  /// is open. All functions throw Refusal where the tuples themselves, or the questions, are
  /// refused: then nothing is known, and end() is to be called.
  Trial(const Target& target, std::vector<std::string> columns, KeyJudges judges, bool is_part);

  asio::awaitable<void> begin(pg::Connection& on) const;
  asio::awaitable<void> end(pg::Connection& on) const;

  /// Records that judges are against, and which of them are against any.
  struct Suspects {
    std::unordered_set<std::uint64_t> records;
    std::vector<bool> found_by;
  };
  /// The tuples are of the judges' columns and the record's number; `asked` says which judges are.
  /// REQUIRES: it is begun, and a judge is asked.
  asio::awaitable<Suspects> suspects(pg::Connection& on, const tuple::TupleRange& keys,
                                     const std::vector<bool>& asked) const;

  /// Tuples of a lane, by their numbers in it from 0, that the table refuses one after the other,
  /// and how. REQUIRES: it is begun.
  asio::awaitable<std::vector<std::pair<std::uint64_t, Refusal>>> refused(
      pg::Connection& on, const tuple::TupleRange& tuples) const;

 private:
  asio::awaitable<std::optional<pg::Result>> ask(pg::Connection& on, const Sql& copy,
                                                 const std::string& name,
                                                 const tuple::TupleRange& tuples,
                                                 const Sql& question) const;

  Target target_;
  std::vector<std::string> columns_;
  KeyJudges judges_;
  bool is_part_;
  Merge merge_;
  TemporaryRows rows_;
  TemporaryRows keys_;
};

}  // namespace sluice::writer
