#pragma once

// One completion after another.

#include "messages/result.hpp"

#include <utility>

namespace leasehold {

/// Hands the value of a result to `next`, and its error to `then`.
template <class T, class U, class Fun>
completion<T> follow(completion<U> then, Fun next) {
  return [then = std::move(then), next = std::move(next)](result<T> x) mutable {
    if (x)
      next(std::move(*x), std::move(then));
    else
      then(x.error());
  };
}

} // namespace leasehold
