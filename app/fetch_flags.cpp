#include "app/fetch_flags.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "app/flag_values.hpp"
#include "app/output.hpp"
#include "app/signals.hpp"
#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "base/trimmed.hpp"
#include "source/buckets.hpp"
#include "source/fetch_ahead.hpp"
#include "source/remote.hpp"

namespace sluice::app {
namespace {

const std::string flag = "--http-header";

/// What these say is decided here, or by what is asked for.
constexpr std::array own_headers{
    "range",          "if-match", "if-range",          "accept-encoding",
    "content-length", "host",     "transfer-encoding", "connection"};

/// The value may be a secret: it is never shown.
void add_header(const std::string& line, const std::string& where, http::Headers& headers) {
  const std::size_t colon = line.find(':');
  const std::string name(trimmed(std::string_view(line).substr(0, colon)));
  const bool is_token = !name.empty() && std::ranges::all_of(name, [](char c) {
    return c > 0x20 && c < 0x7f && !std::string_view("()<>@,;:\\\"/[]?={}").contains(c);
  });
  const bool is_line = line.find_first_of(std::string_view("\n\0", 2)) == std::string::npos;
  if (colon == std::string::npos || !is_token || !is_line) {
    throw Failure(FailureKind::usage,
                  where + ": is no header; write for example 'Authorization: Bearer ...'");
  }
  if (std::ranges::any_of(own_headers,
                          [&](const char* own) { return in_small_letters(name) == own; }))
    throw Failure(FailureKind::usage, where + ": " + name + " is said by pgsluice itself");
  headers.emplace_back(name, trimmed(std::string_view(line).substr(colon + 1)));
}

void add_headers_of_file(const std::string& path, http::Headers& headers) {
  std::ifstream file(path);
  if (!file) throw Failure(FailureKind::usage, flag + " @" + path + ": " + errno_message(errno));
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (trimmed(line).empty() || line.starts_with('#')) continue;
    add_header(line, flag + " @" + path + ":" + std::to_string(number), headers);
  }
  if (file.bad()) throw Failure(FailureKind::usage, flag + " @" + path + ": cannot be read");
}

void read_headers(const std::vector<std::string>& texts, http::Headers& headers) {
  for (const std::string& text : texts) {
    if (text.starts_with('@')) {
      add_headers_of_file(text.substr(1), headers);
    } else {
      add_header(text, flag, headers);
    }
  }
}

void add_s3_flags(CLI::App& c, s3::Settings& settings, const std::string& group) {
  c.add_option("--s3-endpoint", settings.endpoint,
               "where buckets are: http://127.0.0.1:9000 (default: AWS_ENDPOINT_URL_S3, or Amazon)")
      ->option_text("URL")
      ->group(group);
  c.add_option("--s3-region", settings.region,
               "of the bucket (default: AWS_REGION, the profile's, or what the server says)")
      ->option_text("NAME")
      ->group(group);
  c.add_option(
       "--s3-profile", settings.profile,
       "of ~/.aws/config and ~/.aws/credentials, whose keys are used (default: AWS_PROFILE)")
      ->option_text("NAME")
      ->group(group);
  c.add_flag("--s3-anonymous", settings.is_anonymous, "without keys, for what is public")
      ->group(group);
  c.add_flag("--s3-requester-pays", settings.is_requester_paying,
             "for buckets whose readers are billed")
      ->group(group);
}

void require_readable(const std::string& from, const std::string& file) {
  if (!file.empty() && ::access(file.c_str(), R_OK) != 0)
    throw Failure(FailureKind::usage, from + " " + file + ": " + errno_message(errno));
}

/// Of S3, where AWS's tools go by AWS_CA_BUNDLE.
std::string ca_file_of_buckets(const http::FetchOptions& fetch) {
  const char* const bundle = std::getenv("AWS_CA_BUNDLE");
  return fetch.ca_file.empty() && bundle != nullptr ? bundle : fetch.ca_file;
}

}  // namespace

void add_fetch_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Remote input (https:// and s3://)";
  f.load.unpack.fetch = std::make_shared<http::FetchOptions>();
  const std::shared_ptr<http::FetchOptions> fetch = f.load.unpack.fetch;
  const auto jobs = [fetch](const std::uint64_t& parts) { fetch->jobs = fetch->objects = parts; };
  add_number_option(
      c, "--fetch-jobs", {1, limits::fetch_jobs_max}, jobs,
      "parts of a file that are fetched at once (default: 4), or small files (default: 32)")
      .group(group);
  add_size_option(c, "--part-size", fetch->part_bytes,
                  "bytes of each part, which wait in memory (default: 8MiB)")
      .group(group);
  add_list_option(c, flag, f.http_headers, false,
                  "sent to the server that the URL names, and to no other (repeatable); @FILE has "
                  "one on each line, and ps does not show them")
      .option_text("'NAME: VALUE'")
      ->group(group);
  c.add_option("--ca-file", fetch->ca_file,
               "the authorities that https trusts, in PEM (default: the system's)")
      ->option_text("FILE")
      ->group(group);
  add_s3_flags(c, f.s3_settings, group);
}

void settle_fetching(LoadFlags& flags) {
  http::FetchOptions& fetch = *flags.load.unpack.fetch;
  source::hide_secrets(flags.files, fetch);
  read_headers(flags.http_headers, fetch.headers);
  flags.http_headers.clear();
  fetch.retry_for = flags.load.retry_for;
  const bool is_quiet = flags.common.quiet || flags.progress == ProgressMode::json;
  const auto say = [is_quiet](const std::string& text) {
    if (!is_quiet) print_note(text);
  };
  fetch.on_retry = [say](const std::string& why) {
    say(why + "; it is tried again (see --retry-for)");
  };
  if (fetch.part_bytes < limits::part_bytes_min || fetch.part_bytes > limits::part_bytes_max) {
    throw Failure(FailureKind::usage, "--part-size must be from " +
                                          format_bytes(limits::part_bytes_min) + " to " +
                                          format_bytes(limits::part_bytes_max));
  }
  require_readable("--ca-file", fetch.ca_file);
  const bool has_buckets = std::ranges::any_of(flags.files, source::is_in_bucket);
  if (has_buckets) require_readable("AWS_CA_BUNDLE:", ca_file_of_buckets(fetch));
  source::Buckets::Options options{.settings = flags.s3_settings,
                                   .ca_file = ca_file_of_buckets(fetch),
                                   .retry_for = fetch.retry_for};
  options.on_retry = fetch.on_retry;
  options.on_note = say;
  if (flags.common.verbose)
    options.on_keys = [](const std::string& from) { print_note("keys for S3 are of " + from); };
  flags.load.unpack.buckets = std::make_shared<source::Buckets>(std::move(options));
  flags.load.unpack.ahead = std::make_shared<source::FetchAhead>(flags.load.unpack);
  const EndOnSignal ends([&flags] { flags.load.unpack.buckets->stop(); }, has_buckets);
  flags.files = flags.load.unpack.buckets->with_matches(flags.files, flags.as_named);
}

std::vector<std::string> fetch_flags_for(const std::string& path, const LoadFlags& flags) {
  std::vector<std::string> words;
  const auto add = [&words](const char* name, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {name, value});
  };
  if (!source::is_remote(path)) return words;
  add("--ca-file", flags.load.unpack.fetch->ca_file);
  if (!source::is_in_bucket(path)) return words;
  add("--s3-endpoint", flags.s3_settings.endpoint);
  add("--s3-region", flags.s3_settings.region);
  add("--s3-profile", flags.s3_settings.profile);
  if (flags.s3_settings.is_anonymous) words.emplace_back("--s3-anonymous");
  if (flags.s3_settings.is_requester_paying) words.emplace_back("--s3-requester-pays");
  return words;
}

}  // namespace sluice::app
