#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Where secrets stand in the arguments of this program, which ps, logs and digests show to others.
namespace sluice::script {

/// Bytes of a text.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The secrets of a connection, a URI or a conninfo string: passwords, and what `options` sets. Of
/// one that cannot be read rather too much than too little.
std::vector<Span> secrets_in_connection(std::string_view connection);

/// Of each argument: values of --placeholder, of --set where the name says that it is a secret, and
/// what stands in a connection, wherever that stands.
std::vector<std::vector<Span>> secrets_in(const std::vector<std::string>& arguments);

/// Arguments as they may be shown: names stay, secrets are "***".
std::vector<std::string> without_secrets(const std::vector<std::string>& arguments);

}  // namespace sluice::script
