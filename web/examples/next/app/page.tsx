import { Shop } from '../components/Shop';
import { isAtElasticPath } from '../lib/auth';

export default function Home() {
  return <Shop isAtElasticPath={isAtElasticPath} />;
}
