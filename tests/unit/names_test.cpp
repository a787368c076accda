#include "base/names.hpp"

#include <gtest/gtest.h>

#include <set>

#include "jobs/slots.hpp"
#include "load/report.hpp"
#include "plan/options.hpp"

namespace sluice {
namespace {

/// Each value has a name of its own, by which it is found.
template <HasNames E>
void expect_to_and_fro(std::size_t count) {
  std::set<std::string_view> names;
  for (const Named<E>& each : names_of(E{})) {
    EXPECT_EQ(each.name, name_of(each.value));
    EXPECT_EQ(each.value, value_named<E>(each.name));
    names.insert(each.name);
  }
  EXPECT_EQ(count, names.size());
  EXPECT_EQ(std::nullopt, value_named<E>("nonsense"));
  EXPECT_EQ(std::nullopt, value_named<E>(""));
}

TEST(Names, AreReadAsTheyAreWritten) {
  expect_to_and_fro<plan::HeaderMode>(3);
  expect_to_and_fro<plan::WriterChoice>(3);
  expect_to_and_fro<plan::SameContent>(3);
  expect_to_and_fro<plan::Grown>(3);
  expect_to_and_fro<load::LoadReport::Status>(6);
  expect_to_and_fro<writer::OnConflict>(3);
  expect_to_and_fro<writer::Dedupe>(3);
  expect_to_and_fro<tuple::Ragged>(5);
  expect_to_and_fro<csv::Newline>(5);
  expect_to_and_fro<csv::Format>(3);
  expect_to_and_fro<tuple::BlankLines>(3);
  expect_to_and_fro<jobs::RunState>(9);
  expect_to_and_fro<jobs::Overlap>(3);
  expect_to_and_fro<jobs::Catchup>(3);
}

TEST(Names, NoneIsEmpty) { EXPECT_EQ("", name_of(tuple::BlankLines::record)); }

}  // namespace
}  // namespace sluice
