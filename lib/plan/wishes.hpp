#pragma once

#include <optional>
#include <string>

#include "plan/options.hpp"
#include "writer/catalog.hpp"

namespace sluice::plan {

/// A digest of what the user asks for that decides which rows come out of the same bytes, as it was
/// said: with the same wishes the same content means the same rows (meaning_of()), and need not be
/// read to find that out. Other ones may mean the same all the same. What is as by default counts
/// for nothing, so that options that come with later versions change no digest. `options` may be
/// those that a source has settled.
std::string wishes_of(const RowOptions& options, const writer::Target& target);

/// What a load has kept of them in the ledger, where its source is known by its stamp alone. That
/// decides no likeness.
std::string with_wishes(const std::string& meaning, const std::string& wishes);
/// The key under which it stands.
inline constexpr const char* wishes_key = "wishes";

/// Whether a load that has kept this was asked for with the wishes that these options have, and the
/// table has all columns still that it fed, and none that it would feed besides.
bool has_wishes(const std::string& meaning, const RowOptions& options,
                const writer::Target& target);

}  // namespace sluice::plan
