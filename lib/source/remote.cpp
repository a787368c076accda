#include "source/remote.hpp"

#include <algorithm>
#include <filesystem>

#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "http/address.hpp"
#include "s3/address.hpp"
#include "s3/pattern.hpp"

namespace sluice::source {

bool is_in_bucket(const std::string& path) { return s3::is_address(path); }

bool is_remote(const std::string& path) { return http::is_url(path) || is_in_bucket(path); }

void require_known_scheme(const std::string& text) {
  const std::size_t end = text.find(":/");
  const auto is_of_scheme = [](char c) {
    return is_ascii_letter(c) || is_ascii_digit(c) || c == '+' || c == '-' || c == '.';
  };
  // One letter is a drive elsewhere, and a name here.
  const bool has_scheme =
      end != std::string::npos && end > 1 && is_ascii_letter(text.front()) &&
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), is_of_scheme);
  std::error_code error;
  const bool may_be_file = has_scheme && std::filesystem::exists(text.substr(0, end + 1), error);
  if (!has_scheme || is_remote(text) || may_be_file) return;
  throw Failure(FailureKind::usage,
                "\"" + text.substr(0, end + 2) +
                    "...\" is none of https://, http://, s3:// and gs://, and no file is named so");
}

std::string shown_remote(const std::string& text) {
  return is_in_bucket(text) ? s3::shown(text) : http::shown_url(text);
}

void hide_secrets(std::vector<std::string>& paths, http::FetchOptions& options) {
  std::vector<std::string> whole;
  for (std::string& path : paths) {
    whole.push_back(is_remote(path) ? path : std::string());
    if (is_remote(path)) path = shown_remote(path);
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (whole[i].empty()) continue;
    // These say what is wrong with it.
    if (is_in_bucket(whole[i])) {
      s3::address_of(whole[i]);
      continue;
    }
    http::address_of(whole[i]);
    const auto [known, is_new] = options.urls->emplace(paths[i], whole[i]);
    // What was hidden before is known by its whole URL.
    if (is_new || known->second == whole[i] || whole[i] == paths[i]) continue;
    throw Failure(FailureKind::usage,
                  paths[i] +
                      " is given twice, with other secrets or signatures: load the two one "
                      "by one, or leave one out");
  }
}

std::string file_name_of_remote(const std::string& path) {
  if (!is_in_bucket(path)) return http::file_name_of(path);
  std::string name = s3::plain_key(s3::address_of(path).key);
  name.erase(0, name.rfind('/') + 1);
  std::erase(name, '\0');
  return name == "." || name == ".." ? std::string() : name;
}

}  // namespace sluice::source
