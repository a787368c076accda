#pragma once

#include <memory>
#include <string>

#include "http/address.hpp"
#include "http/judge.hpp"

namespace sluice::http {

/// An object that came whole with the first answer.
struct FirstPart {
  ObjectFacts facts;
  Address resolved;  ///< behind the redirects
  std::shared_ptr<const std::string> bytes;
};

}  // namespace sluice::http
