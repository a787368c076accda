#include "serve/page.hpp"

#include <algorithm>

#include "page_files.hpp"

namespace sluice::serve {
namespace {

/// Nothing but what this server sends is run, and no text becomes markup (trusted-types: where a
/// script would make it so, a browser that knows them refuses).
constexpr const char* policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

const char* type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/javascript; charset=utf-8";
}

const page::File* file_of(const Target& target) {
  const std::vector<std::string>& path = target.path;
  const bool is_front = path.empty();
  if (!is_front && (path.size() != 2 || path[0] != "page")) return nullptr;
  const auto found =
      std::ranges::find(page::files, is_front ? "index.html" : path[1], &page::File::name);
  return found == page::files.end() ? nullptr : &*found;
}

/// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
bool is_known(std::string_view field, std::string_view tag) {
  return field == "*" || field.contains(tag);
}

}  // namespace

std::optional<Answer> page_of(const Request& request, const Target& target) {
  const page::File* const file = file_of(target);
  if (file == nullptr) return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD")
    throw Refused{405, "this is asked for by GET, HEAD", {{"Allow", "GET, HEAD"}}};
  const std::string tag = '"' + std::string(file->sha256.substr(0, 32)) + '"';
  Answer answer{.headers = {{"Cache-Control", "no-cache"},
                            {"ETag", tag},
                            {"Content-Security-Policy", policy},
                            {"Cross-Origin-Opener-Policy", "same-origin"},
                            {"Cross-Origin-Resource-Policy", "same-origin"},
                            {"Referrer-Policy", "no-referrer"}},
                .type = type_of(file->name)};
  if (is_known(request.header("if-none-match"), tag))
    answer.status = 304;
  else
    answer.body = file->text;
  return answer;
}

}  // namespace sluice::serve
