#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace sluice::script {

/// SHA-256 of a text that comes in parts.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view text);
  /// Of what was added so far: hexadecimal, 64 characters.
  std::string digest() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// SHA-256 in hexadecimal, 64 characters.
std::string sha256(std::string_view text);

}  // namespace sluice::script
