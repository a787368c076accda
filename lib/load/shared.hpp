#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "ledger/loads.hpp"
#include "source/encoding.hpp"
#include "writer/catalog.hpp"

namespace sluice::load {

struct Former;

/// Thrown by a load that shares with others, before it has done anything: its source is none that
/// is known to be short, and goes by itself.
struct NotWhole : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What loads have in common that go into one table, plainly and side by side, by one pool: the
/// catalogs are asked once for all. That the table is still what they said, each transaction proves
/// (writer/guard): a load that finds it changed throws NotAsPlanned. On the I/O thread only.
struct Shared {
  /// How many loads are under way at once.
  std::size_t side_by_side = 1;
  /// The table; nothing until a load has asked, and again where one has found it changed.
  std::optional<writer::Target> target;
  /// What the files are said to be in, as Load::encoding_to_read() says; nothing until a load has
  /// found out.
  std::optional<std::optional<source::Encoding>> encoding;
  /// Which table it is, from the first load on.
  std::optional<std::uint32_t> table;
  /// What is known of the contents that loads have.
  ledger::Lengths lengths;
  /// The load before this command that a source's columns are compared with: by the source's path
  /// with `#` for its digits, since that is what likens it to others.
  std::map<std::string, std::shared_ptr<const Former>> formers;
};

}  // namespace sluice::load
