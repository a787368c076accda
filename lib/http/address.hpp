#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

/// Whether a text is a URL that is fetched: http:// or https://, in capitals or not. One with a
/// login and too few slashes is taken for one too, and is then refused: it is shown nowhere.
bool is_url(std::string_view text);

/// Where a request goes.
struct Address {
  std::string url;     ///< as it is sent: without user, password and fragment
  std::string origin;  ///< scheme, host and port: what may be told a secret of each other
  bool has_login = false;
  std::string user;
  std::string password;

  bool is_secure() const { return url.starts_with("https:"); }
};

/// REQUIRES: is_url(). Throws Failure(usage), whose message has no secret in it.
Address address_of(const std::string& url);

/// Where a redirect leads, which may be said relative to where it comes from. Throws Failure where
/// that is nowhere that is gone to: another protocol, or http from https. Its message, which names
/// no path, goes behind the name of what was asked for.
Address address_behind(const Address& from, const std::string& location);

/// What names the object, and may be shown: scheme, host, path, and the parameters that neither
/// sign the URL nor are secrets.
std::string name_of(const Address& address);

/// The same of what a user has written, which may be no URL at all then. Throws nothing.
std::string shown_url(const std::string& text);

/// Whether a query ("a=1&token=x") has a parameter that signs a URL, or is a secret.
bool has_secret_parameter(std::string_view query);
/// The values of those of them that are nobody's to see, as they are written.
std::vector<std::string> secret_values(std::string_view query);
/// "?a=1" of "a=1&token=x": all but those; empty where nothing is left.
std::string shown_query(std::string_view query);

/// The last part of the path, without %XX: "a.csv.gz". Empty where there is none. It may have any
/// byte but a slash and a 0 in it.
std::string file_name_of(const std::string& url);

}  // namespace sluice::http
