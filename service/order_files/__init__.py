"""Orders and customers read from files: JSON Lines, CSV and the exports of Shopify and WooCommerce."""
