#pragma once

#include <string>
#include <vector>

#include "http/fetch_options.hpp"

/// Sources that are no files of this machine, by what names them.
namespace sluice::source {

/// Whether a path is one of these: https://host/trips.csv.gz, s3://bucket/trips.csv.gz.
bool is_remote(const std::string& path);
/// ... of the latter.
bool is_in_bucket(const std::string& path);

/// Throws Failure(usage) for what begins as a URL does, with another scheme ("s3a://", "htps://"),
/// and is no file: of it nothing is known, so nothing of it but that is shown.
void require_known_scheme(const std::string& text);

/// What a user has written, without its secrets: nothing else of it is a path of a source. Throws
/// nothing.
std::string shown_remote(const std::string& text);

/// Keeps the whole URLs of these in `options` and leaves in their places what may be shown; all
/// else stays. Throws Failure(usage) for what is no URL or object, and for two URLs that differ in
/// secrets alone: of them one would be taken for the other. What may not be shown is nowhere in
/// `paths` then either.
void hide_secrets(std::vector<std::string>& paths, http::FetchOptions& options);

/// The file's name in the place where it lies: "trips.csv.gz". Empty where it has none.
std::string file_name_of_remote(const std::string& path);

}  // namespace sluice::source
