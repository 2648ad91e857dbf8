// The instance that json.hpp promises.

#include <nlohmann/json.hpp>

template class nlohmann::basic_json<>;
