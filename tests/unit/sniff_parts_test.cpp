#include <gmock/gmock.h>

#include <random>

#include "chunked.hpp"
#include "report/inspect.hpp"
#include "sniff/look_through.hpp"
#include "sniff/proposal.hpp"

namespace sluice::sniff {
namespace {

/// A file whose columns have one kind of value, and now and then another one: at its end what one
/// thing in the middle has made of it is what is looked at.
class Drawn {
 public:
  explicit Drawn(std::uint32_t number) : random_(number) {}

  std::string text() {
    const int columns = draw(2, 8);
    const int records = draw(0, 400);
    for (int i = 0; i < columns; ++i) text_ += (i == 0 ? "name" : ",name") + std::to_string(i);
    text_ += "\n";
    std::vector<int> kinds;
    for (int i = 0; i < columns; ++i) kinds.push_back(draw(0, kinds_max));
    for (int record = 0; record < records; ++record) {
      if (draw(0, 150) == 0) text_ += "\n";
      if (draw(0, 200) == 0) text_ += "too,few,or,too,many,values,in,a,line,of,these\n";
      if (draw(0, 3000) == 0) text_ += "\"never closed\n";
      if (draw(0, 3000) == 0) text_ += "\xe4\xf6,\xfc\n";
      for (int i = 0; i < columns; ++i) {
        if (i > 0) text_ += ',';
        text_ += value(kinds[static_cast<std::size_t>(i)]);
      }
      text_ += "\n";
    }
    return std::move(text_);
  }

 private:
  static constexpr int kinds_max = 15;

  int draw(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
  std::string pick(const std::vector<std::string>& from) {
    return from[static_cast<std::size_t>(draw(0, static_cast<int>(from.size()) - 1))];
  }
  std::string digits(int least, int most) { return std::to_string(draw(least, most)); }

  std::string value(int kind) {
    if (draw(0, 100) == 0) return "";
    if (draw(0, 150) == 0)
      return pick(
          {"NULL", "n/a", "\"N/A\"", "-", "null", "NA", "?", "Null", "--", "None", ".", "(null)"});
    if (draw(0, 500) == 0)
      return pick({"  ", " x ", "\"a, b\"", "12 ", "1.5", "\"\"", "9999999999"});
    switch (kind) {
      case 0: return digits(-5, 100'000);
      case 1: return digits(0, 3);
      case 2: return digits(0, 999) + "." + digits(10, 9999);
      case 3: return "\"" + digits(1, 999) + "," + digits(100, 999) + "\"";
      case 4: return "\"" + digits(1, 9) + "." + digits(100, 999) + "," + digits(10, 99) + "\"";
      case 5: return pick({"true", "false", "TRUE"});
      case 6: return "2025-1" + digits(0, 2) + "-" + digits(10, 28);
      case 7: return digits(1, 13) + "/" + digits(1, 12) + "/2025";
      case 8: return "2025-11-" + digits(10, 28) + " 1" + digits(0, 9) + ":15:0" + digits(0, 9);
      case 9: return std::string(70, 'a') + digits(1, 50);
      case 10: return pick({"red", "green", "blue"});
      case 11: return digits(1, 9) + "e" + digits(-300, 300);
      case 12: return "\"two\nlines " + digits(1, 99) + "\"";
      case 13: return "{\"\"a\"\":" + digits(1, 5) + "}";
      case 14: return digits(1, 99) + std::string(static_cast<std::size_t>(draw(0, 30)), '0');
      default: return "note " + digits(1, 999);
    }
  }

  std::mt19937 random_;
  std::string text_;
};

std::string report_of(const std::string& text, const Effort& effort) {
  test::MemorySource source(text);
  report::Inspected inspected{
      .file = "drawn.csv", .table = "t", .proposal = inspect(source, {}, effort)};
  return report::json_of(inspected).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
         report::text_of(inspected);
}

/// What stands in no report, but goes into a table.
std::string columns_of(const std::string& text, const Effort& effort) {
  test::MemorySource source(text);
  const chunk::Preamble preamble =
      chunk::read_preamble(source, {.dialect = {}, .has_header = true, .bytes_max = 1 << 20});
  const Manner manner{
      .chunks = {.dialect = {}, .record_bytes_max = 1 << 20, .cuts_open_records = true},
      .policy = {},
      .values = {.decimal = ","},
      .is_stopped = [] { return false; }};
  const std::string header = text.substr(0, text.find('\n'));
  std::vector<std::string> names;
  for (int i = 0; i <= std::ranges::count(header, ','); ++i) names.push_back(std::to_string(i));
  const Seen seen = look_through(source, preamble, manner, names, effort);
  std::string said = std::to_string(seen.records) + " " + std::to_string(seen.not_utf8.value_or(0));
  for (const Column& column : seen.columns) {
    const ColumnType type = column.type();
    said += "\n" + type.sql + " " + type.why_text + " " + type.date_format + " " +
            std::to_string(column.values()) + " " + std::to_string(column.empty());
    for (const std::string& null : type.nulls) said += " " + null;
  }
  return said;
}

/// However a file is cut, and however many look at it, it is what one look at all of it says.
TEST(SniffedParts, SayWhatAllOfItSays) {
  static constexpr std::uint32_t cases = 150;
  std::mt19937 random(1);
  const auto draw = [&random](std::size_t least, std::size_t most) {
    return std::uniform_int_distribution(least, most)(random);
  };
  for (std::uint32_t number = 0; number < cases; ++number) {
    const std::string text = Drawn(number).text();
    const std::string report = report_of(text, {.threads = 1, .chunk_bytes = 1 << 20});
    const std::string columns = columns_of(text, {.threads = 1, .chunk_bytes = 1 << 20});
    for (int cut = 0; cut < 4; ++cut) {
      const Effort effort{.threads = draw(1, 4), .chunk_bytes = draw(16, 8'000)};
      SCOPED_TRACE(::testing::Message() << "case " << number << ", " << effort.threads
                                        << " threads, chunks of " << effort.chunk_bytes);
      ASSERT_EQ(report, report_of(text, effort));
      ASSERT_EQ(columns, columns_of(text, effort));
    }
  }
}

/// A disk that is gone in the middle.
class Failing final : public source::Source {
 public:
  explicit Failing(std::string bytes) : bytes_(std::move(bytes)) {}

  std::size_t read(char* into, std::size_t size) override {
    if (reads_++ > 4) throw Failure(FailureKind::failed, "the disk is gone");
    return bytes_.read(into, size);
  }
  bool comes_once() const override { return false; }
  bool rewind() override { return bytes_.rewind(); }
  bool seek(std::uint64_t offset) override { return bytes_.seek(offset); }
  std::optional<std::uint64_t> length() const override { return bytes_.length(); }
  std::string stamp() const override { return {}; }
  std::string tail(std::size_t bytes) const override { return bytes_.tail(bytes); }
  const std::string& name() const override { return bytes_.name(); }
  std::string identity() const override { return bytes_.identity(); }

 private:
  test::MemorySource bytes_;
  int reads_ = 0;
};

/// What cannot be read ends all of it.
TEST(SniffedParts, FailAsOne) {
  std::string text;
  for (int i = 0; i < 2'000'000; ++i) text += std::to_string(i) + ",x\n";
  Failing source(text);
  EXPECT_THROW(inspect(source, {}, {.threads = 3, .chunk_bytes = 1 << 16}), Failure);
}

}  // namespace
}  // namespace sluice::sniff
