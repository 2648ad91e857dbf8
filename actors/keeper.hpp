#pragma once

// Completions that are answered even if whoever had them is gone.

#include "messages/result.hpp"

#include <memory>
#include <utility>

namespace leasehold {

/// A completion that answers with `otherwise` when it is lost with its message.
/// Called a second time, it does nothing.
template <class T>
completion<T> answering(completion<T> then, failure otherwise) {
  struct keeper {
    completion<T> then;
    failure otherwise;

    ~keeper() {
      if (then)
        then(std::move(otherwise));
    }
  };
  auto held = std::make_shared<keeper>();
  held->then = std::move(then);
  held->otherwise = std::move(otherwise);
  return [held](result<T> x) {
    if (auto once = std::exchange(held->then, nullptr))
      once(std::move(x));
  };
}

} // namespace leasehold
