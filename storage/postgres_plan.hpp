#pragma once

// Which commands of a batch can be done by one statement: those of one kind
// that touch different leases.

#include "messages/store.hpp"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace leasehold {

/// Commands of one kind, by their numbers in the batch.
using write_group = std::vector<size_t>;

/// Commands of one group, with their numbers.
template <class Write>
using chosen = std::vector<std::pair<size_t, const Write*>>;

/// Puts the commands of a batch that are `wanted` into groups, in the order in
/// which they are to be done.
///
/// Commands that touch the same lease, or name the same resource, keep their
/// order. Others may be reordered: nobody has been answered yet, so that any
/// order is as good. Among them, those that set resources free come before
/// those that take them. A command that is not about leases is a group of its
/// own, between what came before and what comes after.
std::vector<write_group> plan_groups(std::span<const store_write> batch,
                                     const std::vector<bool>& wanted);

/// Whether one statement can write this group and be the whole transaction.
bool goes_alone(std::span<const store_write> batch, const write_group& group);

/// Whether a command takes a new fence.
bool is_grant(const store_write& what);

} // namespace leasehold
