#include "plan/data_encoding.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/failure.hpp"
#include "base/printable.hpp"
#include "base/sql.hpp"
#include "pg/encoding.hpp"
#include "source/transcoder.hpp"

namespace sluice::plan {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text,
                             [](const char c) { return static_cast<unsigned char>(c) < 128; });
}

/// Bytes as SQL and as a result has them: \x followed by digits.
std::string hex_of(const std::string& bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "\\x";
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4U];
    text += digits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  const auto digit = [](const char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t at = 2; at + 1 < hex.size(); at += 2)
    bytes += static_cast<char>(digit(hex[at]) * 16 + digit(hex[at + 1]));
  return bytes;
}

/// One value, or nothing where the server cannot convert it.
asio::awaitable<std::optional<std::string>> ask(pg::Connection& on, Sql value) {
  const Sql question = sql("set local bytea_output = hex; select {}", value);
  try {
    const auto results = co_await on.query(question);
    co_return std::string(results.back().text(0, 0));
  } catch (const pg::PgError& error) {
    if (!error.state.in_class(sql_class::data_exception) &&
        !error.state.in_class(sql_class::feature_not_supported))
      throw;
  }
  co_return std::nullopt;
}

asio::awaitable<void> convert_header(pg::Connection& on, const std::string& encoding,
                                     std::vector<std::string>& names) {
  for (std::string& name : names) {
    if (is_ascii(name)) continue;
    Sql value = sql("pg_catalog.convert_from({}::pg_catalog.bytea, {})", literal(hex_of(name)),
                    literal(encoding));
    std::optional<std::string> converted = co_await ask(on, std::move(value));
    if (!converted) {
      throw Failure(FailureKind::usage, "the header's name \"" + name + "\" is not in " + encoding +
                                            " (see --encoding)");
    }
    name = std::move(*converted);
  }
}

asio::awaitable<std::string> bytes_in(pg::Connection& on, const std::string& encoding,
                                      const std::string& text) {
  Sql value = sql("pg_catalog.convert_to({}, {})", literal(text), literal(encoding));
  const std::optional<std::string> hex = co_await ask(on, std::move(value));
  if (hex) co_return bytes_of(*hex);
  throw Failure(FailureKind::usage, "--null: \"" + text + "\" cannot be written in " + encoding +
                                        ", in which the file is said to be (see --encoding)");
}

/// A byte of a longer character could look like a delimiter or a quote.
void require_readable_in_chunks(const std::string& encoding) {
  if (!pg::is_for_clients_alone(encoding)) return;
  throw Failure(FailureKind::usage,
                encoding +
                    " as the encoding of the session cannot be read in chunks; say it of the "
                    "file: --encoding " +
                    encoding);
}

void require_ascii(std::string_view flag, std::string_view text, const std::string& encoding) {
  if (is_ascii(text)) return;
  throw Failure(FailureKind::usage, std::string(flag) +
                                        " must be ASCII where the file is read as the database's "
                                        "encoding, " +
                                        encoding + ", has it");
}

}  // namespace

void require_encoding(const std::string& name) {
  if (name.empty() || name == "auto" || source::encoding_named(name)) return;
  if (const auto known = pg::encoding_named(name)) {
    if (!pg::is_for_clients_alone(*known)) return;
    throw Failure(FailureKind::usage,
                  "--encoding " + name +
                      ": this system has no conversion of that encoding; convert "
                      "the file first, and pipe it in");
  }
  const auto meant = source::encoding_like(name);
  throw Failure(FailureKind::usage,
                "--encoding " + name + ": there is no encoding of that name" +
                    (meant ? "; did you mean " + *meant + "?"
                           : "; write one such as UTF8, LATIN1, WIN1252, SJIS or UTF-16"));
}

void say_encoding(const std::string& encoding, pg::ConnectOptions& connect) {
  if (encoding.empty()) return;
  const auto ours = source::encoding_named(encoding);
  const auto known = pg::encoding_named(ours ? ours->name : encoding);
  connect.client_encoding = known && !pg::is_for_clients_alone(*known) ? *known : pg::utf8;
  connect.converts_data = ours.has_value();
}

void require_header_in(const source::Encoding& encoding, const Beginning& beginning,
                       const LoadOptions& options) {
  const std::optional<std::vector<std::string>>& header = beginning.preamble.header;
  if (!header || options.header != HeaderMode::match || !options.columns.empty()) return;
  for (const std::string& name : *header) {
    if (is_utf8(name)) continue;
    throw Failure(FailureKind::usage, "the header's name \"" +
                                          printable_line(source::with_marked_bytes(name)) +
                                          "\" is not in " + encoding.name + " (see --encoding)");
  }
}

asio::awaitable<void> bring_together(pg::Pool& pool, const std::string& encoding,
                                     Beginning& beginning, const LoadOptions& options) {
  if (encoding == pg::utf8) co_return;
  require_readable_in_chunks(encoding);
  std::optional<std::vector<std::string>>& header = beginning.preamble.header;
  const bool has_names = options.header == HeaderMode::match && options.columns.empty() && header &&
                         !std::ranges::all_of(*header, is_ascii);
  for (const auto& [flag, text] :
       {std::pair{"--delimiter", options.dialect.delimiter.text()},
        std::pair{"--comment", std::string_view(options.dialect.comment)},
        std::pair{"--thousands", std::string_view(options.values.thousands)}})
    require_ascii(flag, text, encoding);
  for (const auto& [flag, texts] : {std::pair{"a second --null", &options.dialect.more_null_texts},
                                    std::pair{"--null-for", &options.values.nulls_for},
                                    std::pair{"--booleans", &options.values.booleans},
                                    std::pair{"--date-format", &options.values.date_formats},
                                    std::pair{"--add", &options.values.added}})
    for (const std::string& text : *texts) require_ascii(flag, text, encoding);
  const std::string& null_text = options.dialect.null_text;
  if (!has_names && is_ascii(null_text)) co_return;
  pg::Lease connection = co_await pool.acquire();
  if (has_names) co_await convert_header(*connection, encoding, *header);
  if (is_ascii(null_text)) co_return;
  beginning.null_bytes = co_await bytes_in(*connection, encoding, null_text);
}

}  // namespace sluice::plan
