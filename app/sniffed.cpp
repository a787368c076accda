#include "app/sniffed.hpp"

#include <algorithm>
#include <filesystem>

#include "app/reader.hpp"
#include "base/path_text.hpp"
#include "chunk/separator_line.hpp"
#include "report/inspect.hpp"
#include "sniff/proposal.hpp"
#include "writer/catalog.hpp"

namespace sluice::app {
namespace {

asio::awaitable<void> ask(pg::Pool& pool, std::string table, std::vector<std::string>& names) {
  pg::Lease connection = co_await pool.acquire();
  const writer::Target target =
      co_await writer::describe(*connection, std::move(table), {}, ledger::Use::read_loads);
  for (const tuple::Column& column : target.table.columns) names.push_back(column.name);
}

/// A pipe's bytes would be gone from whoever reads them next.
bool comes_once(const std::string& path) {
  std::error_code error;
  return path == "-" || !std::filesystem::is_regular_file(path, error);
}

/// What a flag has said stays as it is.
void take_over(const sniff::Reading& reading, LoadFlags& flags) {
  const csv::Dialect& found = reading.dialect;
  csv::DialectWishes& said = flags.dialect;
  if (reading.format == csv::Format::text) {
    flags.load.format = csv::Format::text;
  } else {
    if (!said.delimiter) said.delimiter = found.delimiter;
    if (!said.quote) said.quote = found.quote;
    if (!said.escape && found.escapes_everywhere()) {
      said.escape = found.escape;
      said.escapes_everywhere = true;
    }
  }
  if (said.comment.empty()) said.comment = found.comment;
  if (flags.load.skip_lines == 0) flags.load.skip_lines = reading.skip_lines;
  if (flags.load.skip_footer == 0) flags.load.skip_footer = reading.skip_footer;
}

/// What looks like a title, a footer or a comment may be a record of the wrong length: only a
/// person leaves lines out.
void refuse_to_skip(const LoadFlags& flags, const plan::LoadOptions& options,
                    const sniff::Reading& reading) {
  std::string flags_to_give;
  if (reading.skip_lines != flags.load.skip_lines)
    flags_to_give += " --skip-lines " + std::to_string(reading.skip_lines);
  if (reading.skip_footer > flags.load.skip_footer)
    flags_to_give += " --skip-footer " + std::to_string(reading.skip_footer);
  if (reading.dialect.comment != flags.dialect.comment && !reading.dialect.comment.empty())
    flags_to_give += " --comment '" + reading.dialect.comment + "'";
  if (flags_to_give.empty()) return;
  throw Failure(FailureKind::usage,
                text_of_path(options.path) +
                    ": --dialect auto leaves no lines out, and some of this file are no records of "
                    "its usual length\n  If they are a title, a footer or comments, say so:" +
                    flags_to_give);
}

std::string words_of(const std::vector<std::string>& flags) {
  std::string words;
  for (const std::string& flag : flags)
    words += (words.empty() ? "" : " ") + report::shell_word(flag);
  return words.empty() ? "the defaults, which are --delimiter , --quote '\"' --header match"
                       : words;
}

std::string candidate(const sniff::Proposal& proposal, bool is_first) {
  const std::size_t columns = proposal.reading().columns;
  // What is a default is said too: it is what the other candidate differs from.
  std::vector<std::string> flags = sniff::dialect_flags_of(proposal);
  const auto has = [&flags](const char* flag) {
    return std::ranges::find(flags, flag) != flags.end();
  };
  if (proposal.reading().format == csv::Format::csv && !has("--delimiter"))
    flags.insert(flags.begin(), {"--delimiter", ","});
  if (!has("--header"))
    flags.insert(flags.end(), {"--header", proposal.has_header ? "match" : "none"});
  return std::string(is_first ? "\n  either " : "\n  or     ") + words_of(flags) + " (" +
         std::to_string(columns) + (columns == 1 ? " column)" : " columns)");
}

/// What the doubt is between, as flags.
std::string candidates(const sniff::Proposal& proposal) {
  std::string text;
  sniff::Proposal other = proposal;
  if (proposal.readings.are_sure()) {
    for (const bool has_header : {true, false}) {
      other.has_header = has_header;
      text += candidate(other, has_header);
    }
    return text;
  }
  constexpr std::size_t most = 3;
  const std::vector<sniff::Reading>& all = proposal.readings.all;
  for (std::size_t i = 0; i < std::min(most, all.size()); ++i) {
    other.readings.all = {all[i]};
    text += candidate(other, i == 0);
  }
  return text;
}

[[noreturn]] void refuse(const plan::LoadOptions& options, const sniff::Proposal& proposal) {
  throw Failure(
      FailureKind::usage,
      text_of_path(options.path) + ": --dialect auto is not sure: " +
          (proposal.readings.are_sure() ? proposal.header_doubt : proposal.readings.doubt) +
          candidates(proposal) +
          "\n  Leave --dialect auto out, and say how it is read; pgsluice inspect shows more.");
}

}  // namespace

std::vector<std::string> ask_column_names(Runtime& runtime, const std::string& table) {
  std::vector<std::string> names;
  runtime.run(ask(runtime.pool(), table, names));
  return names;
}

plan::LoadOptions with_dialect_of(const LoadFlags& flags, const plan::LoadOptions& options,
                                  const std::vector<std::string>& names) {
  const std::shared_ptr<source::Source> source =
      options.opened ? options.opened : open_source(options);
  const sniff::Proposal proposal = sniff::find_out(
      *source,
      {.names = names, .delimiter = flags.dialect.delimiter, .quote = flags.dialect.quote});
  const bool needs_header = !flags.header_given && !proposal.header_doubt.empty();
  if (!proposal.readings.are_sure() || needs_header) refuse(options, proposal);
  refuse_to_skip(flags, options, proposal.reading());
  LoadFlags sniffed = flags;
  take_over(proposal.reading(), sniffed);
  if (!flags.header_given) {
    sniffed.header_given = true;
    sniffed.load.header = proposal.has_header ? plan::HeaderMode::match : plan::HeaderMode::none;
  }
  const plan::LoadOptions found = options_of(sniffed);
  plan::LoadOptions made = options;
  if (source->comes_once()) made.opened = source;
  made.dialect = found.dialect;
  made.format = found.format;
  made.wishes = found.wishes;
  made.header = found.header;
  made.header_given = found.header_given;
  made.skip_lines = found.skip_lines;
  made.skip_footer = found.skip_footer;
  return made;
}

namespace {

/// Whether the flags, with what the file itself says in a first line sep=;, have come to that
/// reading.
bool is_read_so(source::Source& source, const LoadFlags& flags, const plan::LoadOptions& options,
                const sniff::Reading& reading) {
  // What was said may be what is wrong.
  LoadFlags other = flags;
  other.dialect = {.null_text = flags.dialect.null_text,
                   .more_null_texts = flags.dialect.more_null_texts};
  other.load.format = csv::Format::csv;
  other.load.skip_lines = 0;
  take_over(reading, other);
  const plan::LoadOptions made = options_of(other);
  constexpr std::size_t first_line_bytes = 16;
  csv::Dialect said = options.dialect;
  const bool may_say = options.format == csv::Format::csv && !flags.dialect.delimiter;
  const auto of_file = chunk::separator_line(source.beginning(first_line_bytes));
  if (may_say && of_file) said.delimiter = of_file->delimiter;
  return made.dialect == said && made.format == options.format &&
         made.skip_lines == options.skip_lines;
}

}  // namespace

std::string dialect_advice(const LoadFlags& flags, const plan::LoadOptions& options,
                           const std::string& failure) {
  if (comes_once(options.path) || failure.find("--delimiter") != std::string::npos) return {};
  try {
    const std::shared_ptr<source::Source> source = open_source(options);
    const std::string& comment = flags.dialect.comment;
    sniff::Proposal proposal = sniff::find_out(*source, {.comment = comment});
    if (!proposal.readings.are_sure() || proposal.reading().columns < 2) return {};
    // Lines in front were counted without comments, and are not to be counted so.
    if (!comment.empty() && proposal.reading().skip_lines > 0) return {};
    proposal.readings.all.front().dialect.comment =
        comment.empty() ? proposal.reading().dialect.comment : comment;
    if (is_read_so(*source, flags, options, proposal.reading())) return {};
    return "\n  It looks like " + words_of(sniff::dialect_flags_of(proposal)) +
           " (--dialect auto takes that, pgsluice inspect says more)";
  } catch (const Failure&) {
    return {};  // what it failed for is said already
  }
}

}  // namespace sluice::app
