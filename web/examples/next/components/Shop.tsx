'use client';
import { formatAmount, type Product } from '@till/client';
import { useRouter } from 'next/navigation';
import { useCallback, useEffect, useState } from 'react';
import { beginCheckout, type CartView, elasticPathCart, ownCart, products } from '../lib/cart';

/** What is for sale, and the cart beside it. */
export function Shop({ isAtElasticPath }: { isAtElasticPath: boolean }) {
  const source = isAtElasticPath ? elasticPathCart : ownCart;
  const [forSale, setForSale] = useState<Product[]>();
  const [cart, setCart] = useState<CartView>();
  const [trouble, setTrouble] = useState('');
  const router = useRouter();
  const fail = useCallback((error: Error) => setTrouble(error.message), []);
  const attempt = async (act: () => Promise<CartView>) => {
    setTrouble('');
    await act().then(setCart, fail);
  };
  const goOn = () => beginCheckout().then(() => router.push('/checkout'), fail);

  useEffect(() => {
    products().then(setForSale, fail);
    source.read().then(setCart, fail);
  }, [source, fail]);

  return (
    <div className="columns">
      <section>
        <h1>Good things</h1>
        <p role="alert">{trouble}</p>
        <ul className="products" aria-busy={!forSale}>
          {forSale?.map((product) => (
            <ProductCard
              key={product.id}
              product={product}
              add={() => attempt(() => source.add(product.id))}
            />
          ))}
        </ul>
      </section>
      <Cart cart={cart} remove={(id) => attempt(() => source.remove(id))} goOn={goOn} />
    </div>
  );
}

function ProductCard({ product, add }: { product: Product; add: () => void }) {
  const { name, description, image, price, currency, available } = product;
  return (
    <li>
      {image && (
        // biome-ignore lint/performance/noImgElement: the pictures are Till's, and small already
        <img src={image} alt="" width={400} height={300} />
      )}
      <h2>{name}</h2>
      <p>{description}</p>
      <p className="price">{formatAmount(price, currency)}</p>
      <button type="button" onClick={add} disabled={available < 1}>
        {available < 1 ? 'Sold out' : 'Add to cart'}
        <span className="hidden"> {name}</span>
      </button>
    </li>
  );
}

interface CartProps {
  cart: CartView | undefined;
  remove: (id: string) => void;
  goOn: () => void;
}

function Cart({ cart, remove, goOn }: CartProps) {
  return (
    <aside id="cart" aria-label="Cart" aria-live="polite">
      <h2>Your cart</h2>
      {cart?.lines.length === 0 && <p>Nothing in it yet.</p>}
      {cart && cart.lines.length > 0 && (
        <>
          <ul className="lines">
            {cart.lines.map(({ id, name, quantity, total }) => (
              <li key={id}>
                <span>
                  {quantity} × {name}
                </span>
                <span>{total}</span>
                <button type="button" className="link" onClick={() => remove(id)}>
                  Remove<span className="hidden"> {name}</span>
                </button>
              </li>
            ))}
          </ul>
          <p className="sum">
            <span>Goods</span> <span>{cart.total}</span>
          </p>
          <button type="button" onClick={goOn}>
            To the checkout
          </button>
        </>
      )}
    </aside>
  );
}
