#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::script {

/// One row as texts; NULL is an empty one. What the server sent is never taken on trust: a column
/// that is not there, and a text that is no number where one is asked for, throw Failure.
class Row {
 public:
  void add(std::string field) { fields_.push_back(std::move(field)); }
  const std::string& operator[](std::size_t column) const;
  /// A number that is not negative.
  std::uint64_t count(std::size_t column) const;
  /// Of a server's process.
  int process(std::size_t column) const;
  /// Throws Failure: this is not what was asked for.
  [[noreturn]] void refuse(std::size_t column) const;

 private:
  std::vector<std::string> fields_;
};

class Rows {
 public:
  Row& add() { return rows_.emplace_back(); }
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  /// Throws Failure where there is none.
  const Row& front() const;
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }

 private:
  std::vector<Row> rows_;
};

}  // namespace sluice::script
