#include "source/remote.hpp"

#include "base/failure.hpp"
#include "http/address.hpp"

namespace sluice::source {

bool is_remote(const std::string& path) { return http::is_url(path); }

std::string shown_remote(const std::string& text) { return http::shown_url(text); }

void hide_secrets(std::vector<std::string>& paths, http::FetchOptions& options) {
  std::vector<std::string> whole;
  for (std::string& path : paths) {
    whole.push_back(is_remote(path) ? path : std::string());
    if (is_remote(path)) path = shown_remote(path);
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (whole[i].empty()) continue;
    http::address_of(whole[i]);  // says what is wrong with it
    const auto [known, is_new] = options.urls->emplace(paths[i], whole[i]);
    // What was hidden before is known by its whole URL.
    if (is_new || known->second == whole[i] || whole[i] == paths[i]) continue;
    throw Failure(FailureKind::usage,
                  paths[i] +
                      " is given twice, with other secrets or signatures: load the two one "
                      "by one, or leave one out");
  }
}

std::string file_name_of_remote(const std::string& path) { return http::file_name_of(path); }

}  // namespace sluice::source
