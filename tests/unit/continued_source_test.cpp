#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "source/continued_source.hpp"

namespace sluice::test {
namespace {

/// What a feeder sends: bytes that come once.
class Fed final : public source::Source {
 public:
  explicit Fed(std::string bytes) : bytes_(std::move(bytes)) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t got = bytes_.copy(into, size, at_);
    at_ += got;
    return got;
  }
  bool comes_once() const override { return true; }
  bool rewind() override { return false; }
  bool seek(std::uint64_t) override { return false; }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  std::string stamp() const override { return {}; }
  std::string tail(std::size_t) const override { return {}; }
  const std::string& name() const override { return name_; }
  std::string identity() const override { return name_; }

 private:
  std::string bytes_;
  std::string name_ = "stdin";
  std::size_t at_ = 0;
};

/// "01234" is kept of it, and the rest begins at byte 20.
source::ContinuedSource made() { return {std::make_unique<Fed>("01234rest"), 5, 20}; }

std::string read(source::Source& source, std::size_t bytes) {
  std::string text(bytes, '\0');
  text.resize(source.read(text.data(), bytes));
  return text;
}

TEST(ContinuedSource, ItsBeginningIsReadAsOftenAsIsWanted) {
  auto source = made();
  EXPECT_EQ("012", source.beginning(3));
  EXPECT_EQ("01234", read(source, 5));
  EXPECT_TRUE(source.rewind());
  EXPECT_EQ("01", read(source, 2));
  EXPECT_TRUE(source.seek(2));
  EXPECT_EQ("234", read(source, 3));
}

TEST(ContinuedSource, BehindTheOffsetComesTheRest) {
  auto source = made();
  EXPECT_EQ("01", read(source, 2));
  EXPECT_TRUE(source.seek(20));
  EXPECT_EQ("re", read(source, 2));
  EXPECT_EQ("st", read(source, 9));
  EXPECT_EQ("", read(source, 9));
  EXPECT_FALSE(source.rewind());
  EXPECT_FALSE(source.seek(20));
}

TEST(ContinuedSource, WhatNobodyHasIsNotMadeUp) {
  auto source = made();
  EXPECT_FALSE(source.seek(6)) << "behind what is kept, and not where the rest begins";
  EXPECT_THROW(read(source, 6), Failure) << "the rest is not what is behind it";
  EXPECT_EQ("01234", read(source, 5));
  EXPECT_THROW(read(source, 1), Failure);
}

}  // namespace
}  // namespace sluice::test
