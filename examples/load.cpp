// A load from a program of one's own: rows that it makes itself, without a file between.
//   load CONNECTION TABLE     (a table of an int and a text)

#include "pgsluice/load.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

/// A CSV of that many records, as it is asked for.
class Rows {
 public:
  explicit Rows(int count) : count_(count), text_("id,name\n") {}

  std::size_t read(char* into, std::size_t size) {
    while (text_.size() < size && made_ < count_) {
      ++made_;
      text_ += std::to_string(made_) + ",row " + std::to_string(made_) + "\n";
    }
    const std::size_t got = std::min(size, text_.size());
    std::memcpy(into, text_.data(), got);
    text_.erase(0, got);
    return got;
  }

 private:
  int count_;
  int made_ = 0;
  std::string text_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: load CONNECTION TABLE\n");
    return 2;
  }
  Rows rows(100000);
  const auto read = [&rows](char* into, std::size_t size) { return rows.read(into, size); };
  try {
    pgsluice::Load load({.connection = argv[1], .table = argv[2]}, {.read = read, .name = "rows"});
    load.on_progress([](const pgsluice::Progress& progress) {
      std::fprintf(stderr, "%llu rows\n", static_cast<unsigned long long>(progress.rows_stored));
    });
    const pgsluice::Report report = load.run();
    std::printf("%s%llu rows\n", report.nothing_to_do ? "nothing to do: " : "",
                static_cast<unsigned long long>(report.rows_stored));
    return 0;
  } catch (const pgsluice::Error& error) {
    std::fprintf(stderr, "%s\n%llu rows are stored\n", error.what(),
                 static_cast<unsigned long long>(error.report().rows_stored));
    return 1;
  }
}
