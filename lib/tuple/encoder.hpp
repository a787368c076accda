#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/names.hpp"
#include "base/position.hpp"
#include "csv/parser.hpp"
#include "tuple/batch.hpp"
#include "tuple/check.hpp"
#include "tuple/codec.hpp"
#include "tuple/composite_codec.hpp"
#include "tuple/doubt.hpp"
#include "tuple/keys.hpp"
#include "tuple/mapping.hpp"
#include "tuple/reject.hpp"
#include "tuple/table.hpp"
#include "tuple/value_rules.hpp"

namespace sluice::tuple {

/// What becomes of a record with too few or too many values.
enum class Ragged {
  error,   ///< refused, whatever the budget for rejects
  reject,  ///< refused
  pad,     ///< missing values at its end are NULL; too many are refused
  trim,    ///< too many are dropped; too few are refused
  fit,     ///< both: it is made to fit
};
constexpr auto names_of(Ragged) {
  return std::array{Named{Ragged::error, "error"}, Named{Ragged::reject, "reject"},
                    Named{Ragged::pad, "pad"}, Named{Ragged::trim, "trim"},
                    Named{Ragged::fit, "fit"}};
}

/// What becomes of an empty line outside quotes.
enum class BlankLines {
  record,  ///< as COPY: a record of one empty value
  skip,
  reject,
  null,  ///< a record of NULLs
};
/// `record` has none: it is what COPY does.
constexpr auto names_of(BlankLines) {
  return std::array{Named{BlankLines::skip, "skip"}, Named{BlankLines::reject, "reject"},
                    Named{BlankLines::null, "null"}};
}

struct RecordPolicy {
  Ragged ragged = Ragged::reject;
  BlankLines blank_lines = BlankLines::record;
  bool trailing_delimiter = false;  ///< each record ends with one, behind which there is no value

  bool pads() const { return ragged == Ragged::pad || ragged == Ragged::fit; }
  bool trims() const { return ragged == Ragged::trim || ragged == Ragged::fit; }
  /// Surplus values that are empty count for nothing.
  bool drops_surplus_blanks() const { return pads() || trims(); }
};

/// What a CSV column becomes.
struct EncodedField {
  bool ignored = false;
  Encode encode = nullptr;
  std::shared_ptr<const CompositeCodec> composite = nullptr;  ///< where there is no `encode`
  std::string column;
  Doubt doubt;
  bool null_in_doubt = false;

  /// False: every value takes the slow lane.
  bool has_codec() const { return encode != nullptr || composite != nullptr; }
};

/// What was said of a record that was refused before.
struct KnownRefusal {
  std::string sql_state;
  std::string constraint;
  std::string message;
};
using KnownRefusals =
    std::map<std::uint64_t, KnownRefusal>;  ///< by the record's number in the source

/// How a record becomes a tuple: fixed for a load, shared by all encoders.
struct EncoderPlan {
  csv::Dialect dialect;
  csv::LineEnd line_end = csv::LineEnd::lf;
  RecordPolicy policy;
  std::vector<EncodedField> fields;  ///< one per CSV column, and those that are added
  ValueRules rules = {};
  std::size_t csv_columns = 0;  ///< fields that are not added
  std::size_t columns = 0;      ///< fields that are not ignored
  bool fast_lane = true;        ///< false where a column has no codec: all records are text
  bool check_utf8 = false;      ///< records that are not well-formed UTF-8 are refused
  std::size_t growth = 2;       ///< how many times longer than its text a tuple may be
  /// Each tuple has one more field at its end: the number of its record in the source, a bigint.
  bool number_records = false;
  KeyPlan key;  ///< whose hashes a batch has
  /// What the table has refused a record for, and may refuse others for; nullptr: nothing yet.
  std::shared_ptr<const std::vector<Check>> checks;
  /// Records, by their numbers in the source, whose keys the table may refuse; nullptr: none.
  std::shared_ptr<const std::unordered_set<std::uint64_t>> suspect_records;
  /// Records that the table has refused behind their chunk (a publication): refused from then on.
  std::shared_ptr<const KnownRefusals> known_refusals;

  /// The columns that COPY is told, in the order of the fields, without the record's number.
  std::vector<std::string> column_names() const;
};

EncoderPlan plan_encoder(const Table& table, const Mapping& mapping, const csv::Dialect& dialect,
                         csv::LineEnd line_end, const SessionSettings& settings,
                         RecordPolicy policy = {}, ValueRules rules = {});

/// Of each lane the tuple that is looked for next, by its number in the lane from 0; nothing: no
/// more of them.
struct Sought {
  std::optional<std::uint64_t> fast;
  std::optional<std::uint64_t> slow;
};

/// A record found again: the lane of its tuple, its number and place in the chunk, and the CSV
/// column that kept it from the fast lane.
struct FoundRecord {
  LaneName lane = LaneName::fast;
  std::uint64_t record = 0;
  std::size_t begin = 0;
  std::size_t size = 0;
  std::optional<std::size_t> unsure_field;
  std::vector<std::string> values;  ///< after unquoting, one per CSV column; empty for NULL
};

/// Into which lanes a chunk is encoded.
enum class Lanes {
  both,       ///< each record into the fastest that will do
  only_slow,  ///< all into one, so that the server sees them in the order of the file
};

/// Turns the records of a chunk into tuples. Pure; reusable, so that it allocates nothing once it
/// is warm.
///
/// Binary: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Text: ibid.,
/// "Text Format".
class Encoder {
 public:
  /// `plan` must outlive the encoder.
  explicit Encoder(const EncoderPlan& plan)
      : plan_(plan),
        parser_(plan.dialect, plan.line_end),
        rewriter_(plan.rules),
        tells_lines_(plan.rules.tell_lines()) {}

  /// Encodes a chunk into `batch`, replacing what it held. `begin` is where it begins in the
  /// source.
  void encode(const csv::ParseInput& input, Batch& batch, const Position& begin = {},
              Lanes lanes = Lanes::both);

  /// A record that became a tuple that is looked for, or one that no table could take; of that
  /// one's position only the record is filled in, from 0 in the chunk.
  using Hit = std::variant<FoundRecord, Reject>;

  /// Begins to look for records of a chunk that was encoded into these lanes.
  void start_search(const csv::ParseInput& input, Lanes lanes = Lanes::both,
                    const Position& begin = {});
  /// The next hit in file order; nothing at the chunk's end. REQUIRES: within a lane the tuples
  /// that are looked for come in rising order.
  std::optional<Hit> search(const Sought& sought);

 private:
  enum class Judgement { sound, skipped, refused };

  struct Encoded {
    char* end;          ///< nullptr: not for the fast lane
    std::size_t field;  ///< which field it was, then; behind the last: a Check was
  };

  /// Where a search is.
  struct Search {
    Lanes lanes = Lanes::both;
    std::uint64_t record = 0;
    std::uint64_t fast_tuple = 0;
    std::uint64_t slow_tuple = 0;
    Buffer scratch;
  };

  void start(const csv::ParseInput& input, const Position& begin);
  std::uint64_t line_of(const csv::Record& record);
  Judgement judge(csv::Record& record, std::uint64_t number);
  Judgement judge_unusual(csv::Record& record);
  Judgement rewrite(csv::Record& record, std::uint64_t number);
  void drop_surplus(csv::Record& record) const;
  bool is_refused_already(const csv::Record& record, std::uint64_t number);
  void refuse(const csv::Record& record, std::string_view sql_state, std::string message);
  void refuse_field_count(const csv::Record& record);
  bool is_well_encoded(const csv::Record& record) const;
  void refuse_encoding(const csv::Record& record);
  Encoded encode_fast(const csv::Record& record, std::uint64_t number, char* out) const;
  char* encode_slow(const csv::Record& record, std::uint64_t number, char* out) const;
  FoundRecord describe(const csv::Record& record, std::uint64_t number,
                       const Encoded& encoded) const;
  std::size_t tuple_bytes_max(const csv::Record& record) const;

  const EncoderPlan& plan_;
  csv::Parser parser_;
  ValueRewriter rewriter_;
  bool tells_lines_;
  csv::ParseInput input_;
  Position begin_;           ///< of the input in the source
  std::uint64_t lines_ = 0;  ///< line ends in front of `counted_`, a byte of the input
  std::size_t counted_ = 0;
  bool all_well_encoded_ = true;
  bool says_why_ = false;  ///< false while only their number is wanted
  Reject refusal_;         ///< of the record that was judged last
  Search search_;
  std::vector<csv::Field> padded_;  ///< a record with the values that it lacks
};

}  // namespace sluice::tuple
