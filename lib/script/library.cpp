#include "script/library.hpp"

#include <openssl/crypto.h>

namespace sluice::script {

std::string library() { return std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace sluice::script
