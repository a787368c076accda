#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "csv/parser.hpp"
#include "tuple/batch.hpp"
#include "tuple/codec.hpp"
#include "tuple/mapping.hpp"
#include "tuple/table.hpp"

namespace sluice::tuple {

/// What a CSV column becomes.
struct EncodedField {
  bool ignored = false;
  Encode encode = nullptr;  ///< nullptr: every value takes the slow lane
  std::string column;
};

/// How a record becomes a tuple: fixed for a load, shared by all encoders.
struct EncoderPlan {
  csv::Dialect dialect;
  csv::LineEnd line_end = csv::LineEnd::lf;
  std::vector<EncodedField> fields;  ///< one per CSV column
  std::size_t columns = 0;           ///< fields that are not ignored
  bool fast_lane = true;             ///< false where a column has no codec: all records are text
  std::size_t growth = 2;            ///< how many times longer than its text a tuple may be

  /// The columns that COPY is told, in the order of the fields.
  std::vector<std::string> column_names() const;
};

EncoderPlan plan_encoder(const Table& table, const Mapping& mapping, const csv::Dialect& dialect,
                         csv::LineEnd line_end, const SessionSettings& settings);

/// Which records of a chunk: [first, end), counted from 0.
struct RecordRange {
  std::uint64_t first = 0;
  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
};

/// A record found again: its number and place in the chunk, and the CSV column that kept it from
/// the fast lane.
struct FoundRecord {
  std::uint64_t record = 0;
  std::size_t begin = 0;
  std::size_t size = 0;
  std::optional<std::size_t> unsure_field;
  std::vector<std::string> values;  ///< after unquoting, one per CSV column; empty for NULL
};

/// Turns the records of a chunk into tuples. Pure; reusable, so that it allocates nothing once it
/// is warm.
///
/// Binary: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Text: ibid.,
/// "Text Format".
class Encoder {
 public:
  enum class LaneName { fast, slow };

  /// `plan` must outlive the encoder.
  explicit Encoder(const EncoderPlan& plan) : plan_(plan), parser_(plan.dialect, plan.line_end) {}

  /// Encodes the records of `range` into `batch`, replacing what it held.
  void encode(const csv::ParseInput& input, Batch& batch, RecordRange range = {});

  /// The record that became tuple number `tuple` (from 0) of a lane when all records were encoded.
  std::optional<FoundRecord> find(const csv::ParseInput& input, LaneName lane, std::uint64_t tuple);

  /// The record with this number (from 0).
  std::optional<FoundRecord> find(const csv::ParseInput& input, std::uint64_t record);

 private:
  struct Encoded {
    char* end;          ///< nullptr: not for the fast lane
    std::size_t field;  ///< which field it was, then
  };

  /// True if it can be read and has as many fields as there are columns.
  bool is_sound(const csv::Record& record) const {
    return record.defect == csv::Defect::none && record.fields.size() == plan_.fields.size();
  }
  Reject structural_defect(const csv::Record& record) const;
  Encoded encode_fast(const csv::Record& record, char* out) const;
  char* encode_slow(const csv::Record& record, char* out) const;
  FoundRecord describe(const csv::Record& record, std::uint64_t number,
                       const Encoded& encoded) const;
  std::size_t tuple_bytes_max(const csv::Record& record) const;

  const EncoderPlan& plan_;
  csv::Parser parser_;
};

}  // namespace sluice::tuple
