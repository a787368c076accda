#include "app/hidden.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

#include "script/secret_arguments.hpp"
#include "source/remote.hpp"

namespace sluice::app {
namespace {

constexpr std::string_view behind_scheme = "://";

void replace_all(std::string& text, const std::string& old_text, const std::string& new_text) {
  for (std::size_t at = 0; (at = text.find(old_text, at)) != std::string::npos;) {
    text.replace(at, old_text.size(), new_text);
    at += new_text.size();
  }
}

bool is_of_scheme(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '-' || c == '.';
}

/// Of a URL that begins with `begin` somewhere in an argument.
void add_of_url(const std::string& url, std::vector<Hidden>& hidden) {
  const std::size_t host = url.find(behind_scheme) + behind_scheme.size();
  if (source::is_remote(url)) {
    hidden.push_back({url, source::shown_remote(url)});
  } else {
    hidden.push_back({url, script::without_secrets({url}).front()});
  }
  // A password may have a slash or a question mark in it.
  const std::size_t at = url.rfind('@');
  if (at != std::string::npos && at > host)
    hidden.push_back({"/" + url.substr(host, at + 1 - host), "/"});
}

}  // namespace

std::vector<Hidden> hidden_in(const std::vector<std::string>& arguments) {
  std::vector<Hidden> hidden;
  for (const std::string& argument : arguments) {
    const std::size_t before = hidden.size();
    for (std::size_t at = 0; (at = argument.find(behind_scheme, at)) != std::string::npos;) {
      std::size_t begin = at;
      while (begin > 0 && is_of_scheme(argument[begin - 1])) --begin;
      add_of_url(argument.substr(begin), hidden);
      at += behind_scheme.size();
    }
    if (hidden.size() > before) continue;
    if (source::is_remote(argument)) {
      hidden.push_back({argument, source::shown_remote(argument)});
      continue;
    }
    const std::size_t equals = argument.find('=');
    const bool is_flag = argument.starts_with("--") && equals != std::string::npos;
    const std::string value = is_flag ? argument.substr(equals + 1) : argument;
    if (script::without_secrets({value}).front() != value) hidden.push_back({value, "***"});
  }
  // What is shown of it all the same has no secret: "http://host" is "http://host/".
  std::erase_if(hidden, [](const Hidden& one) { return one.shown.contains(one.text); });
  // What has another one in it comes first.
  std::ranges::stable_sort(hidden, std::greater(),
                           [](const Hidden& one) { return one.text.size(); });
  return hidden;
}

std::string without_hidden(std::string message, const std::vector<Hidden>& hidden) {
  for (const Hidden& one : hidden) replace_all(message, one.text, one.shown);
  return message;
}

}  // namespace sluice::app
